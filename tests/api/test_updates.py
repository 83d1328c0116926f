"""PUT: moving, describing, replacing; and every way of giving a picture."""

import base64
from typing import Any

import httpx
import pytest

from image_service.images import queries
from image_service.stores.registry import NewStore
from tests.conftest import DELIVERY, Service
from tests.ingest.server import ScriptedServer
from tests.shop import PRODUCT, added, form, order, orphan, page, path, png

IMAGES = f"/products/{PRODUCT}/images"


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("moved", "to", "expected"),
    [(4, 1, [4, 0, 1, 2, 3]), (0, 5, [1, 2, 3, 4, 0]), (1, 3, [0, 2, 1, 3, 4]), (3, 2, [0, 3, 1, 2, 4]),
     (0, 99, [1, 2, 3, 4, 0]), (2, 3, [0, 1, 2, 3, 4]), (0, 10**30, [1, 2, 3, 4, 0])],
)  # fmt: skip
async def test_moves(client: httpx.AsyncClient, moved: int, to: int, expected: list[int]) -> None:
    ids = [(await added(client))["id"] for _ in range(5)]
    answer = await client.put(f"{IMAGES}/{ids[moved]}", json={"position": to})
    assert (answer.status_code, answer.json()["position"]) == (200, min(to, 5))
    assert await order(client) == [ids[index] for index in expected]


@pytest.mark.parametrize(("at", "index"), [(1, 0), (2, 1), (4, 3), (50, 3), (None, 3)])
async def test_created_where_asked(client: httpx.AsyncClient, at: int | None, index: int) -> None:
    ids = [(await added(client))["id"] for _ in range(3)]
    body = {"attachment": encoded(png())} | ({} if at is None else {"position": at})
    made = (await client.post(IMAGES, json=body)).json()
    ids.insert(index, made["id"])
    assert await order(client) == ids


async def test_only_the_addressed_image_is_updated(
    service: Service, store: NewStore, client: httpx.AsyncClient
) -> None:
    ids = [(await added(client))["id"] for _ in range(2)]
    before = {image["id"]: image for image in (await client.get(f"{IMAGES}?fields=all")).json()}
    etag = (await client.get(IMAGES)).headers["etag"]
    same = [{}, {"position": 1}, {"alt": None}, {"src": before[ids[0]]["src"]}, {"id": ids[0], "product_id": PRODUCT}]
    for body in same:
        answer = await client.put(f"{IMAGES}/{ids[0]}", json=body)
        assert answer.status_code == 200
        assert answer.json()["updated_at"] == before[ids[0]]["updated_at"]
    assert (await client.get(IMAGES)).headers["etag"] == etag

    assert (await client.put(f"{IMAGES}/{ids[0]}", json={"position": 2})).status_code == 200
    after = await client.get(IMAGES)
    assert after.headers["etag"] != etag
    # The document prints whole seconds; the rows know better.
    versions = {image.id: image for image in (await queries.gallery(service.database, store.store_id, PRODUCT)).images}
    assert versions[ids[0]].updated_at > versions[ids[0]].created_at
    assert versions[ids[1]].updated_at == versions[ids[1]].created_at


async def test_alt_is_returned_as_sent(client: httpx.AsyncClient) -> None:
    image = await added(client, alt="Niño ✓ 鞋")

    async def alt() -> Any:
        return (await client.get(f"{IMAGES}/{image['id']}?fields=alt")).json()["alt"]

    assert await alt() == "Niño ✓ 鞋"
    answer = await client.put(f"{IMAGES}/{image['id']}", files={"alt[es]": (None, "Niño"), "alt[en]": (None, "Boy")})
    assert answer.status_code == 200, answer.text
    assert await alt() == {"es": "Niño", "en": "Boy"}
    for value in ({"es": "Zapato", "pt-BR": "Sapato"}, "", {}, None, "Red ✓ 👟"):
        answer = await client.put(f"{IMAGES}/{image['id']}", json={"alt": value})
        assert answer.status_code == 200
        assert await alt() == value


@pytest.mark.parametrize("way", ["file", "attachment", "src"])
async def test_new_bytes_keep_the_id_and_get_a_new_url(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, server: ScriptedServer, way: str
) -> None:
    other = await added(client)
    image = await added(client)
    assert (await anyone.get(path(image["src"]))).status_code == 200
    server.pages["/new.png"] = page(png("blue"))
    url = f"{IMAGES}/{image['id']}"
    if way == "file":
        answer = await client.put(url, files=form(png("blue"), "new.png"), data={"position": "1"})
    elif way == "attachment":
        answer = await client.put(url, json={"attachment": encoded(png("blue")), "filename": "new.png", "position": 1})
    else:
        answer = await client.put(url, json={"src": server.url("/new.png"), "position": 1})
    assert answer.status_code == 200, answer.text
    replaced = answer.json()
    assert replaced["id"] == image["id"]
    assert replaced["created_at"] == image["created_at"]
    assert replaced["src"].startswith(image["src"].split("photo-")[0] + "new-")
    assert await order(client) == [image["id"], other["id"]]
    assert (await client.get(f"/images/{image['id']}/original")).content == png("blue")
    assert (await anyone.get(path(image["src"]))).status_code == 404
    assert (await anyone.get(path(replaced["src"]))).status_code == 200


async def test_its_own_src_means_as_it_is(client: httpx.AsyncClient) -> None:
    image = await added(client)
    small = image["src"].replace("640-0.png", "50-0.webp")
    answer = await client.put(f"{IMAGES}/{image['id']}", json={"src": small})
    assert (answer.status_code, answer.json()) == (200, image)
    body = {"src": image["src"], "attachment": encoded(png("blue"))}
    answer = await client.put(f"{IMAGES}/{image['id']}", json=body)
    assert answer.status_code == 200
    assert answer.json()["src"] != image["src"]
    stale = await client.put(f"{IMAGES}/{image['id']}", json={"src": image["src"]})
    assert (stale.status_code, stale.json()) == (422, {"src": ["has been replaced"]})


async def test_the_src_of_another_image_copies_it(
    service: Service, client: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    image = await added(client)
    copy = await client.post("/products/2/images", json={"src": image["src"].replace("640-0", "50-0")})
    assert copy.status_code == 201
    assert copy.json()["src"] != image["src"]
    assert (await client.delete(f"{IMAGES}/{image['id']}")).status_code == 200
    assert (await client.get(f"/images/{copy.json()['id']}/original")).content == png()
    assert (await anyone.get(path(copy.json()["src"]))).status_code == 200

    target = await added(client)
    answer = await client.put(f"{IMAGES}/{target['id']}", json={"src": copy.json()["src"]})
    assert answer.status_code == 200

    stranger = await service.new_store()
    body = {"src": copy.json()["src"]}
    foreign = await anyone.post(IMAGES, json=body, headers={"Authorization": f"Bearer {stranger.token}"})
    assert (foreign.status_code, foreign.json()) == (422, {"src": ["could not be fetched"]})


@pytest.mark.parametrize("rest", ["/", "/stores/000/001/products/x.jpg", "/favicon.ico", "/health/live"])
async def test_a_url_of_our_own_is_never_fetched(client: httpx.AsyncClient, rest: str) -> None:
    for base in (DELIVERY, DELIVERY.upper().replace("HTTP", "http"), DELIVERY.replace("http:", "https:")):
        answer = await client.post(IMAGES, json={"src": base + rest})
        assert (answer.status_code, answer.json()) == (422, {"src": ["could not be fetched"]})


@pytest.mark.parametrize(
    "text",
    ["data:image/png;base64," + encoded(png()), " \r\n".join(encoded(png())), encoded(png()).rstrip("=")],
    ids=["data URL", "white space", "no padding"],
)
async def test_base64_as_clients_write_it(client: httpx.AsyncClient, text: str) -> None:
    answer = await client.post(IMAGES, json={"attachment": text})
    assert answer.status_code == 201, answer.text
    assert (await client.get(f"/images/{answer.json()['id']}/original")).content == png()
    assert "/image-" in answer.json()["src"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"src": "http://a.test/x.png", "attachment": "x"}, {"attachment"}),
        ({"src": "http://a.test/x.png", "image_id": 1}, {"src"}),
        ({"attachment": "x", "image_id": 1}, {"attachment"}),
        ({"src": ""}, {"src"}),
        ({"src": 5}, {"src"}),
        ({"attachment": ["x"]}, {"attachment"}),
        ({"attachment": "%%%"}, {"attachment"}),
        ({"attachment": encoded(b"GIF89a")}, {"attachment"}),
        ({"image_id": "7"}, {"image_id"}),
        ({"image_id": -1}, {"image_id"}),
        ({"image_id": 2**63}, {"image_id"}),
        ({"position": 0}, {"position"}),
        ({"position": "one"}, {"position"}),
        ({"position": 1.5}, {"position"}),
        ({"position": True}, {"position"}),
        ({"alt": True}, {"alt"}),
        ({"alt": {"en": [5]}}, {"alt"}),
        ({"alt": "x" * 2001}, {"alt"}),
        ({"alt": {"": "x"}}, {"alt"}),
        ({"alt": "a\0b"}, {"alt"}),
        ({"filename": "a\0b"}, {"filename"}),
        ({"product_id": 5, "attachment": encoded(png())}, {"product_id"}),
        ({"position": 0, "alt": True, "src": 1}, {"position", "alt", "src"}),
    ],
)
async def test_fields_that_cannot_be_used(client: httpx.AsyncClient, body: dict[str, Any], fields: set[str]) -> None:
    answer = await client.post(IMAGES, json=body)
    assert answer.status_code == 422, answer.text
    assert set(answer.json()) == fields
    assert all(isinstance(message, str) for messages in answer.json().values() for message in messages)
    assert (await client.get("/images")).json() == []


async def test_updates_that_are_refused_change_nothing(client: httpx.AsyncClient) -> None:
    image = await added(client)
    id_ = await orphan(client)
    for body in ({"id": id_}, {"product_id": 1}, {"image_id": id_}, {"position": 0, "alt": "x"}, {"attachment": "?"}):
        answer = await client.put(f"{IMAGES}/{image['id']}", json=body)
        assert answer.status_code == 422, body
    assert (await client.put(f"/products/1/images/{image['id']}", json={"position": 1})).status_code == 404
    assert (await client.put(f"{IMAGES}/{id_}", json={"position": 1})).status_code == 404
    assert (await client.get(IMAGES)).json() == [image]


async def test_what_a_url_answered_is_told_only_of_a_checked_host(
    client: httpx.AsyncClient, server: ScriptedServer
) -> None:
    server.pages["/gone.png"] = page(b"", "404 Not Found")
    server.pages["/page.png"] = page(b"<html>")
    server.pages["/big.png"] = page(png() + bytes(10 * 1024 * 1024))

    async def answered(src: str) -> Any:
        answer = await client.post(IMAGES, json={"src": src})
        assert answer.status_code == 422
        return answer.json()

    assert await answered(server.url("/gone.png")) == {"src": ["answered 404"]}
    assert await answered(server.url("/page.png")) == {"src": ["web page: must be a gif, jpg or png image"]}
    assert await answered(server.url("/big.png")) == {"src": ["must weigh less than 10MB"]}
    assert await answered("http://nowhere.invalid/x.png") == {"src": ["could not be fetched"]}


@pytest.mark.parametrize(
    ("src", "told"),
    [
        ("ftp://a.test/x.png", "must be an http:// or https:// URL"),
        ("file:///etc/passwd", "must be an http:// or https:// URL"),
        ("www.a.test/x.png", "must be an http:// or https:// URL"),
        ("x", "must be an http:// or https:// URL"),
        ("http://a.test/\x00", "is not a valid URL"),
        ("http://[", "has no valid host"),
        ("https:///x.png", "has no host"),
        ("http://a..test/x.png", "has no valid host"),
        ("http://user:secret@a.test/x.png", "must not hold a user name or password"),
        ("http://a.test:0/x.png", "has a port that is not allowed"),
        ("http://a.test/" + "a" * 4096, "is too long (maximum is 4096 characters)"),
        (" ", "can't be blank"),
    ],
)
async def test_what_a_url_has_wrong_is_told(client: httpx.AsyncClient, src: str, told: str) -> None:
    answer = await client.post(IMAGES, json={"src": src})
    assert (answer.status_code, answer.json()) == (422, {"src": [told]})
