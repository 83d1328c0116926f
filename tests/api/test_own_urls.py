"""URLs of pictures that the store has here: they name the image, whatever the host, and are never fetched."""

import hashlib
from pathlib import Path

import httpx
import pytest

from tests.conftest import DELIVERY, NewDatabase, Service, StartService
from tests.images.blobs import OLD, age_trash, sweep
from tests.ingest.server import ScriptedServer, answer
from tests.shop import PRODUCT, added, form, png

IMAGES = f"/products/{PRODUCT}/images"
REPLACED = {"src": ["has been replaced"]}
DELETED = {"src": ["has been deleted"]}
PICTURE = png("blue", (900, 600))  # larger than its `src`

# What may stand in front of and behind the path of a picture's URL.
ALIASES = {
    "another host": ("http://127.0.0.1:1", ""),
    "https": ("https://shop.example", ""),
    "a CDN": ("https://cdn.example", "?v=1&width=100#top"),
    "without a scheme": ("//cdn.example", ""),
    "without a host": ("", ""),
    "under a path": ("https://cdn.example/media/shop", ""),
    "resized by a CDN": ("https://shop.example/cdn-cgi/image/width=300,quality=75/https://img.example", ""),
    "as a directory": ("https://cdn.example", "/300x300.webp"),
    "in capitals": ("HTTPS://CDN.EXAMPLE.", ""),
}


def path_of(src: str) -> str:
    return src.removeprefix(DELIVERY)


@pytest.mark.parametrize(("before", "behind"), ALIASES.values(), ids=ALIASES.keys())
async def test_its_own_picture_by_another_host_means_as_it_is(
    client: httpx.AsyncClient, before: str, behind: str
) -> None:
    image = (await client.post(f"{IMAGES}?fields=all", files=form(PICTURE))).json()
    path = path_of(image["src"])
    for each in (path, path.replace("640-0.png", "50-0.webp"), path.replace("-", "%2D"), path.replace("photo", "foto")):
        body = {"id": image["id"], "src": f"{before}{each}{behind}", "position": 1, "alt": None}
        kept = await client.put(f"{IMAGES}/{image['id']}?fields=all", json=body)
        assert (kept.status_code, kept.json()) == (200, image), each


async def test_another_source_beside_it_counts(client: httpx.AsyncClient) -> None:
    image = await added(client)
    body = {"src": f"https://cdn.example{path_of(image['src'])}"}
    changed = await client.put(f"{IMAGES}/{image['id']}?fields=sha256", files=form(PICTURE), data=body)
    assert changed.json() == {"sha256": hashlib.sha256(PICTURE).hexdigest()}


async def test_another_image_s_picture_by_another_host_copies_its_original(client: httpx.AsyncClient) -> None:
    image = (await client.post(IMAGES, files=form(PICTURE))).json()
    src = f"https://cdn.example{path_of(image['src'])}"
    sha256 = {"sha256": hashlib.sha256(PICTURE).hexdigest()}
    assert (await client.post("/products/2/images?fields=sha256", json={"src": src})).json() == sha256
    other = await added(client)
    assert (await client.put(f"{IMAGES}/{other['id']}?fields=sha256", json={"src": src})).json() == sha256


async def test_a_host_that_was_the_pictures_own(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    """A client puts back what it read before a CDN was put in front."""
    own = {"database_url": await new_database(), "data_dir": tmp_path}
    async with start_service(delivery_url="https://shop.example", **own) as before:
        token = {"Authorization": f"Bearer {(await before.new_store()).token}"}
        async with before.client(headers=token) as client:
            read = (await client.post(f"{IMAGES}?fields=all", files=form(PICTURE))).json()
    async with (
        start_service(delivery_url="https://cdn.example/pictures", **own) as after,
        after.client(headers=token) as client,
    ):
        body = {name: read[name] for name in ("id", "src", "position", "product_id")}
        kept = (await client.put(f"{IMAGES}/{read['id']}?fields=all", json=body)).json()
    same = ("id", "bytes", "width", "height", "sha256", "updated_at")
    assert {name: kept[name] for name in same} == {name: read[name] for name in same}
    assert kept["src"].startswith("https://cdn.example/pictures/stores/")


@pytest.mark.parametrize("host", [DELIVERY, "https://old.example", ""])
async def test_an_older_key_says_what_became_of_it(client: httpx.AsyncClient, host: str) -> None:
    image, gone = await added(client), await added(client)
    replaced = await client.put(f"{IMAGES}/{image['id']}", files=form(PICTURE))
    old, new = (host + path_of(src) for src in (image["src"], replaced.json()["src"]))
    for refused in (
        await client.put(f"{IMAGES}/{image['id']}", json={"src": old}),
        await client.post(IMAGES, json={"src": old}),
    ):
        assert (refused.status_code, refused.json()) == (422, REPLACED)
    assert (await client.put(f"{IMAGES}/{image['id']}", json={"src": new})).json() == replaced.json()

    await client.delete(f"{IMAGES}/{gone['id']}")
    refused = await client.post(IMAGES, json={"src": host + path_of(gone["src"])})
    assert (refused.status_code, refused.json()) == (422, DELETED)
    await client.delete(f"{IMAGES}/{image['id']}")
    assert (await client.post(IMAGES, json={"src": old})).json() == DELETED


async def test_an_older_key_is_known_for_a_day(
    start_service: StartService, new_database: NewDatabase, server: ScriptedServer, tmp_path: Path
) -> None:
    async with start_service(database_url=await new_database(), data_dir=tmp_path) as service:
        token = {"Authorization": f"Bearer {(await service.new_store()).token}"}
        async with service.client(headers=token) as client:
            image = await added(client)
            await client.put(f"{IMAGES}/{image['id']}", files=form(PICTURE))
            await age_trash(service, OLD)
            body = {"src": image["src"]}
            assert (await client.put(f"{IMAGES}/{image['id']}", json=body)).json() == REPLACED
            await sweep(service)
            refused = await client.put(f"{IMAGES}/{image['id']}", json=body)
            assert refused.json() == {"src": ["could not be fetched"]}  # it is ours by its host alone
            elsewhere = {"src": server.url(path_of(image["src"]))}
            assert (await client.post(IMAGES, json=elsewhere)).json() == {"src": ["answered 404"]}


async def test_digests_in_other_people_s_urls(client: httpx.AsyncClient, server: ScriptedServer) -> None:
    digest = hashlib.md5(PICTURE, usedforsecurity=False).hexdigest()
    path = f"/{digest}/{digest}.png"
    server.pages[path] = answer(200, PICTURE)
    made = await client.post(f"{IMAGES}?fields=id,src,sha256", json={"src": server.url(path)})
    assert made.json()["sha256"] == hashlib.sha256(PICTURE).hexdigest()
    assert f"/{digest}-" in made.json()["src"]
    again = f"https://cdn.example{path_of(made.json()['src'])}"
    kept = await client.put(f"{IMAGES}/{made.json()['id']}?fields=id,src,sha256", json={"src": again})
    assert kept.json() == made.json()


async def test_another_store_s_picture_is_anybody_s(
    service: Service, client: httpx.AsyncClient, server: ScriptedServer
) -> None:
    path = path_of((await added(client))["src"])
    server.pages[path] = answer(200, PICTURE)
    stranger = {"Authorization": f"Bearer {(await service.new_store()).token}"}
    async with service.client(headers=stranger) as other:
        made = await other.post(f"{IMAGES}?fields=sha256", json={"src": server.url(path)})
    assert made.json() == {"sha256": hashlib.sha256(PICTURE).hexdigest()}
