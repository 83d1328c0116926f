"""The life of a variant: rendered once, kept under the path of its URL, gone with its image, whatever goes wrong."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from image_service.storage.base import BlobHeaders
from image_service.storage.names import MARKERS, original_name
from image_service.stores.registry import NewStore
from tests.api.pictures import COFFEE, FILM, ROCKET, uploaded, url_of
from tests.api.watched import WatchedStorage
from tests.conftest import Service, StartService
from tests.processes import DEADLINE
from tests.shop import PRODUCT, form, orphan, png


@pytest.fixture(scope="module")
async def watched(service: Service, start_service: StartService) -> AsyncIterator[Service]:
    """A second service on the same database and blobs."""
    storage = WatchedStorage(service.settings.data_dir / "blobs")
    async with start_service(parts={"storage": storage}) as started:
        yield started


@pytest.fixture
async def storage(watched: Service) -> AsyncIterator[WatchedStorage]:
    storage = watched.storage
    assert isinstance(storage, WatchedStorage)
    storage.arrived.clear()
    storage.written.clear()
    yield storage
    storage.may_read.set()
    storage.may_write.set()


@pytest.fixture
async def visitor(watched: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with watched.client() as client:
        yield client


@pytest.fixture
async def without_pixels(start_service: StartService, store: NewStore) -> AsyncIterator[httpx.AsyncClient]:
    """Of a service on the same database and blobs that renders from originals alone."""
    async with (
        start_service(kept_pixels=0) as started,
        started.client(headers={"Authorization": f"Bearer {store.token}"}) as client,
    ):
        yield client


def blob_path(service: Service, name: str) -> Path:
    return service.settings.data_dir / "blobs" / name


def variant_files(service: Service, image: dict[str, Any]) -> list[str]:
    folder = blob_path(service, "public" + url_of(image)).parent
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def original_of(image: dict[str, Any]) -> str:
    return original_name(url_of(image).rsplit("-", 3)[1])


async def waits_for_a_row(service: Service, change: "asyncio.Task[httpx.Response]") -> None:
    """Until a transaction waits for another one's row."""
    waiting = "SELECT count(*) AS waiting FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"
    async with asyncio.timeout(DEADLINE):
        while not (await service.database.raw(waiting))[0].waiting:
            assert not change.done()


async def render_all(client: httpx.AsyncClient, image: dict[str, Any]) -> list[str]:
    urls = [url_of(image, each["size"], each["format"]) for each in image["variants"]]
    answers = await asyncio.gather(*(client.get(url) for url in urls))
    assert {answer.status_code for answer in answers} == {200}
    return urls


# --- rendered once ---


async def test_twenty_who_ask_at_once_cost_one_rendering(
    client: httpx.AsyncClient, visitor: httpx.AsyncClient, storage: WatchedStorage, watched: Service
) -> None:
    image = await uploaded(client, ROCKET)
    url = url_of(image)
    answers = await asyncio.gather(*(visitor.get(url) for _ in range(20)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert storage.written == ["public" + url]
    kept = blob_path(watched, "public" + url)
    assert kept.read_bytes() == answers[0].content
    assert kept.stat().st_mode & 0o777 == 0o644  # nginx runs as another user
    assert (await visitor.get(url)).content == answers[0].content
    assert len(storage.written) == 1


async def test_who_leaves_does_not_end_the_rendering(
    client: httpx.AsyncClient, visitor: httpx.AsyncClient, storage: WatchedStorage
) -> None:
    url = url_of(await uploaded(client, ROCKET))
    storage.may_write.clear()
    first = asyncio.create_task(visitor.get(url))
    await storage.arrived.wait()
    second = asyncio.create_task(visitor.get(url))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    storage.may_write.set()
    assert (await second).status_code == 200
    assert len(storage.written) == 1


async def test_nothing_is_rendered_before_it_is_asked_for(
    client: httpx.AsyncClient, visitor: httpx.AsyncClient, watched: Service
) -> None:
    image = await uploaded(client, ROCKET)
    assert variant_files(watched, image) == []
    assert (await visitor.get(url_of(image).replace("-640-0", "-641-0"))).status_code == 404
    assert variant_files(watched, image) == []


# --- gone with the image ---


async def test_a_deleted_image_has_no_pictures(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, service: Service
) -> None:
    image = await uploaded(client, FILM)
    urls = await render_all(anyone, image)
    assert len(variant_files(service, image)) == len(urls)
    assert (await client.delete(f"/products/{PRODUCT}/images/{image['id']}")).status_code == 200
    assert variant_files(service, image) == []
    for url in urls:
        assert (await anyone.get(url)).status_code == 404
    assert variant_files(service, image) == []
    assert blob_path(service, original_of(image)).is_file()  # for a day


async def test_nor_has_a_product_that_was_emptied(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, service: Service
) -> None:
    images = [await uploaded(client, "small.png", png(color)) for color in ("red", "blue")]
    for image in images:
        await render_all(anyone, image)
    await client.delete(f"/products/{PRODUCT}")
    assert variant_files(service, images[0]) == variant_files(service, images[1]) == []


async def test_nor_has_one_deleted_through_the_other_dialect(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, service: Service
) -> None:
    id = await orphan(client)
    image = (await client.get(f"/images/{id}", params={"fields": "all"})).json()
    [url, *_] = await render_all(anyone, image)
    assert (await client.delete(f"/v2/images/{id}.json")).status_code == 200
    assert (await anyone.get(url)).status_code == 404
    assert variant_files(service, image) == []


async def test_new_bytes_have_new_urls_and_the_old_ones_are_gone(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, service: Service
) -> None:
    image = await uploaded(client, "small.png", png("red"))
    urls = await render_all(anyone, image)
    answer = await client.put(
        f"/products/{PRODUCT}/images/{image['id']}", params={"fields": "all"}, files=form(png("blue"), "small.png")
    )
    replaced = answer.json()
    assert answer.status_code == 200, answer.text
    assert url_of(replaced) not in urls
    for url in urls:
        assert (await anyone.get(url)).status_code == 404
    rendered = await render_all(anyone, replaced)
    kept = [file for file in variant_files(service, replaced) if not file.endswith(tuple(MARKERS.values()))]
    assert sorted(kept) == sorted(url.rpartition("/")[2] for url in rendered)


Change = Callable[[httpx.AsyncClient, str], Coroutine[Any, Any, httpx.Response]]


async def delete(client: httpx.AsyncClient, url: str) -> httpx.Response:
    return await client.delete(url)


async def replace(client: httpx.AsyncClient, url: str) -> httpx.Response:
    return await client.put(url, files=form())


@pytest.mark.parametrize("change", [delete, replace])
async def test_what_is_rendered_while_its_image_goes_is_not_stored(
    client: httpx.AsyncClient, visitor: httpx.AsyncClient, storage: WatchedStorage, watched: Service, change: Change
) -> None:
    image = await uploaded(client, ROCKET)
    storage.may_read.clear()
    asked = asyncio.create_task(visitor.get(url_of(image)))
    await storage.arrived.wait()
    assert (await change(client, f"/products/{PRODUCT}/images/{image['id']}")).status_code == 200
    storage.may_read.set()
    assert (await asked).status_code == 404
    assert storage.written == []
    assert variant_files(watched, image) == []


@pytest.mark.parametrize("change", [delete, replace])
async def test_a_variant_that_is_being_stored_is_gone_when_the_change_is_answered(
    client: httpx.AsyncClient, visitor: httpx.AsyncClient, storage: WatchedStorage, watched: Service, change: Change
) -> None:
    image = await uploaded(client, ROCKET)
    storage.may_write.clear()
    asked = asyncio.create_task(visitor.get(url_of(image)))
    await storage.arrived.wait()
    changing = asyncio.create_task(change(client, f"/products/{PRODUCT}/images/{image['id']}"))
    await waits_for_a_row(watched, changing)
    storage.may_write.set()
    assert (await changing).status_code == 200
    assert storage.written == ["public" + url_of(image)]
    assert variant_files(watched, image) == []
    assert (await visitor.get(url_of(image))).status_code == 404
    await asked  # it came before the change, or after it


async def test_the_first_of_two_services_that_render_the_same_is_kept(
    client: httpx.AsyncClient,
    anyone: httpx.AsyncClient,
    visitor: httpx.AsyncClient,
    storage: WatchedStorage,
    service: Service,
) -> None:
    image = await uploaded(client, ROCKET)
    storage.may_write.clear()
    second = asyncio.create_task(visitor.get(url_of(image)))
    await storage.arrived.wait()
    first = await anyone.get(url_of(image))
    os.utime(blob_path(service, "public" + url_of(image)), (1_700_000_000, 1_700_000_000))
    known = await anyone.get(url_of(image))
    storage.may_write.set()
    assert (await second).headers["ETag"] == known.headers["ETag"] != first.headers["ETag"]
    assert (await anyone.get(url_of(image))).headers["ETag"] == known.headers["ETag"]


# --- what goes wrong ---


@pytest.mark.parametrize("accept", ["*/*", "image/avif, image/webp"])
async def test_a_missing_original_is_our_fault(
    without_pixels: httpx.AsyncClient, service: Service, accept: str
) -> None:
    anyone = without_pixels
    image = await uploaded(anyone, ROCKET)
    warm = await anyone.get(url_of(image, "50-0"))
    await service.storage.delete([original_of(image)])
    with capture_logs() as logs:
        answer = await anyone.get(url_of(image), headers={"Accept": accept})
    assert answer.status_code == 503
    assert answer.headers["Cache-Control"] == "no-store"
    assert int(answer.headers["Retry-After"]) > 0
    lines = [line for line in logs if line["event"] == "original missing"]  # one for each format that was tried
    assert len(lines) == (3 if "avif" in accept else 1)
    assert {(line["image"], line["log_level"]) for line in lines} == {(image["id"], "error")}
    assert (await anyone.get(url_of(image, "50-0"))).content == warm.content
    assert (await anyone.get(url_of(image).replace(".jpg", ".gif"))).status_code == 404


async def test_a_damaged_original_is_not_rendered(
    without_pixels: httpx.AsyncClient, service: Service, tmp_path: Path
) -> None:
    anyone = without_pixels
    image = await uploaded(anyone, COFFEE)
    half = tmp_path / "half"
    half.write_bytes(blob_path(service, original_of(image)).read_bytes()[:9_000])
    await service.storage.put(original_of(image), half, BlobHeaders("image/jpeg"))
    with capture_logs() as logs:
        answer = await anyone.get(url_of(image))
    assert (answer.status_code, answer.headers["Cache-Control"]) == (503, "no-store")
    assert int(answer.headers["Retry-After"]) > 0
    assert [line["log_level"] for line in logs if line["event"] == "variant not rendered"] == ["error"]
    assert variant_files(service, image) == []


async def test_two_stores_share_nothing(
    client: httpx.AsyncClient, service: Service, store: NewStore, anyone: httpx.AsyncClient
) -> None:
    image = await uploaded(client, "small.png", png())
    other = await service.new_store()
    async with service.client(headers={"Authorization": f"Bearer {other.token}"}) as others:
        twin = await uploaded(others, "small.png", png())
    await client.delete(f"/images/{image['id']}")
    assert (await anyone.get(url_of(image))).status_code == 404
    assert (await anyone.get(url_of(twin))).status_code == 200
