"""`GET /images/{id}/original`: the stored bytes, for their owner alone."""

import base64
from urllib.parse import quote, unquote

import httpx
import pytest

from image_service.images import queries
from image_service.storage.names import original_name
from image_service.stores import tokens
from image_service.stores.registry import NewStore
from image_service.stores.tokens import Scope
from tests.api.pictures import CUP, FILM, ROCKET, uploaded
from tests.conftest import PHOTOS, Service
from tests.shop import orphan, png

HOSTILE = 'a"; filename=b.html\r\nX-Evil: 1; \u202egnp.å/../x\x00.png'


@pytest.mark.parametrize(("photo", "media_type"), [(ROCKET, "jpeg"), (CUP, "png"), (FILM, "gif")])
async def test_byte_for_byte(client: httpx.AsyncClient, photo: str, media_type: str) -> None:
    image = await uploaded(client, photo)
    answer = await client.get(f"/images/{image['id']}/original")
    assert (answer.status_code, answer.content) == (200, (PHOTOS / photo).read_bytes())
    headers = {name: value for name, value in answer.headers.items() if name not in {"x-request-id", "last-modified"}}
    assert headers == {
        "cache-control": "private, no-cache",
        "vary": "Authorization, Authentication",
        "x-content-type-options": "nosniff",
        "content-disposition": f"attachment; filename*=UTF-8''{photo}",
        "etag": answer.headers["ETag"],
        "accept-ranges": "bytes",
        "content-type": f"image/{media_type}",
        "content-length": str(len(answer.content)),
    }


async def test_conditions_and_ranges(client: httpx.AsyncClient) -> None:
    url = f"/images/{await orphan(client)}/original"
    whole = await client.get(url)
    current = await client.get(url, headers={"If-None-Match": whole.headers["ETag"]})
    assert (current.status_code, current.headers["Cache-Control"]) == (304, "private, no-cache")
    part = await client.get(url, headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, b"PNG")
    beyond = await client.get(url, headers={"Range": "bytes=99999999-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(whole.content)}")


async def test_a_hostile_name_stays_a_name(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/products/1/images", json={"attachment": _base64(png()), "filename": HOSTILE.replace("\x00", "")}
    )
    assert answer.status_code == 201, answer.text
    original = await client.get(f"/images/{answer.json()['id']}/original")
    assert "X-Evil" not in original.headers
    disposition = original.headers["Content-Disposition"]
    assert disposition.isascii()
    start, _, name = disposition.partition("''")
    assert start == "attachment; filename*=UTF-8"
    assert not set(name) & set(" \"'();,/\\\r\n")
    assert unquote(name) == "x.png"


async def test_quotes_and_letters_come_back(client: httpx.AsyncClient) -> None:
    filename = 'rød "sko"; x=%41 鞋.png'
    answer = await client.post("/products/1/images", json={"attachment": _base64(png()), "filename": filename})
    original = await client.get(f"/images/{answer.json()['id']}/original")
    assert unquote(original.headers["Content-Disposition"].partition("''")[2]) == filename


@pytest.mark.parametrize(
    ("filename", "saved_as"),
    [
        ("photo.png", "photo.png"),
        ("PHOTO.PNG", "PHOTO.PNG"),
        ("invoice.html", "invoice.html.png"),
        ("run.exe", "run.exe.png"),
        ("a.jpg.lnk", "a.jpg.lnk.png"),
        ("a.jpg", "a.png"),
        ("a.JPEG", "a.png"),
        (".gif", ".png"),
        ("png", "png.png"),
        ("a.png.", "a.png..png"),
        ("a.png .", "a.png ..png"),
        ("a.png\u200b.exe", "a.png.exe.png"),
        ("x" * 251 + ".svg", "x" * 251 + ".png"),
    ],
)
async def test_what_is_saved_ends_as_its_bytes_say(client: httpx.AsyncClient, filename: str, saved_as: str) -> None:
    """Whoever double-clicks it gets a picture, whatever its uploader called it."""
    answer = await client.post("/products/1/images", json={"attachment": _base64(png()), "filename": filename})
    original = await client.get(f"/images/{answer.json()['id']}/original")
    assert original.headers["Content-Disposition"].partition("''")[2] == quote(saved_as, safe="")


async def test_every_extension_of_a_jpeg_stays(client: httpx.AsyncClient) -> None:
    jpeg = _base64((PHOTOS / ROCKET).read_bytes())
    for filename, saved_as in (("a.jpeg", "a.jpeg"), ("a.JFIF", "a.JFIF"), ("a.jpg", "a.jpg"), ("a.png", "a.jpg")):
        answer = await client.post("/products/1/images", json={"attachment": jpeg, "filename": filename})
        original = await client.get(f"/images/{answer.json()['id']}/original")
        assert original.headers["Content-Disposition"].partition("''")[2] == saved_as


async def test_a_token_is_needed(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, service: Service, store: NewStore
) -> None:
    url = f"/images/{await orphan(client)}/original"
    assert (await anyone.get(url)).status_code == 401
    reader = await tokens.issue(service.database, store.store_id, Scope.READ)
    assert (await anyone.get(url, headers={"Authorization": f"Bearer {reader}"})).status_code == 200


async def test_another_stores_is_not_there(client: httpx.AsyncClient, service: Service) -> None:
    other = await service.new_store()
    id = await orphan(client)
    async with service.client(headers={"Authorization": f"Bearer {other.token}"}) as others:
        foreign = await others.get(f"/images/{id}/original")
        unknown = await others.get("/images/9223372036854775807/original")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json() == unknown.json()


async def test_it_goes_with_its_image(client: httpx.AsyncClient) -> None:
    id = await orphan(client)
    await client.delete(f"/images/{id}")
    assert (await client.get(f"/images/{id}/original")).status_code == 404


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


async def test_one_that_is_missing_is_a_fault(service: Service, store: NewStore, client: httpx.AsyncClient) -> None:
    """Not a 404, which would tell a connector to upload it again and forget this one."""
    image = await uploaded(client, CUP)
    (found,) = (await queries.gallery(service.database, store.store_id, image["product_id"])).images
    await service.storage.delete([original_name(found.key)])
    answer = await client.get(f"/images/{image['id']}/original")
    assert (answer.status_code, answer.json()["code"]) == (503, 503)
    copy = await client.post("/products/7/images", json={"src": image["src"]})
    assert copy.status_code == 503


async def test_a_replacement_of_the_same_size_in_the_same_second(client: httpx.AsyncClient) -> None:
    """Its tag is of the bytes: two pictures are never taken for one, nor joined."""
    lime, orange = png("lime"), png("orange")
    assert len(lime) == len(orange)
    image = (await client.post("/products/1/images", files={"file": ("a.png", lime)})).json()
    url = f"/images/{image['id']}/original"
    first = await client.get(url)
    assert "last-modified" not in first.headers
    await client.put(f"/products/1/images/{image['id']}", files={"file": ("a.png", orange)})
    conditions = {"If-None-Match": first.headers["etag"]}
    assert (await client.get(url, headers=conditions)).content == orange
    resumed = await client.get(url, headers={"Range": "bytes=9-", "If-Range": first.headers["etag"]})
    assert (resumed.status_code, resumed.content) == (200, orange)
