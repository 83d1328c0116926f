"""What `EAGER_SIZES` and `EAGER_FORMATS` name is rendered before anybody asks, when there is nothing else to do."""

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from image_service.images.rendering import render_queue
from image_service.storage.base import BlobHeaders
from image_service.storage.local import LocalStorage
from tests.api.pictures import FILM, ROCKET, decoded, uploaded, url_of
from tests.conftest import PHOTOS, NewDatabase, StartService
from tests.scrape import Scrape
from tests.shop import PRODUCT

IMAGES = f"/products/{PRODUCT}/images"
EAGER = {"eager_sizes": "320-0 640-0", "eager_formats": "avif webp jpg"}
BROWSER = {"Accept": "image/avif,image/webp,*/*"}


class ToldStorage(LocalStorage):
    """Says when something has been written."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.news = asyncio.Condition()

    async def put(self, name: str, source: Path, headers: BlobHeaders) -> None:
        await super().put(name, source, headers)
        async with self.news:
            self.news.notify_all()

    def has(self, path: str) -> bool:
        return self._path(f"public{path}").is_file()

    async def until_it_has(self, paths: Iterable[str]) -> None:
        wanted = list(paths)
        async with asyncio.timeout(60), self.news:
            await self.news.wait_for(lambda: all(map(self.has, wanted)))


class Shop:
    def __init__(self, client: httpx.AsyncClient, storage: ToldStorage, folder: Path) -> None:
        self.client = client
        self.storage = storage
        self._folder = folder

    async def is_drawn(self, image: dict[str, Any]) -> None:
        await self.storage.until_it_has(eager(image))

    def has_any(self, image: dict[str, Any]) -> bool:
        return any(map(self.storage.has, eager(image)))

    async def dropped(self, why: str) -> float:
        return Scrape((await self.client.get("/metrics")).text).value("ahead_dropped_total", reason=why)

    def hold(self, kind: str) -> None:
        """The next job of this kind."""
        (self._folder / "hold").write_text(kind)

    async def begun(self) -> None:
        await asyncio.to_thread((self._folder / "begun").read_text)

    async def go_on(self) -> None:
        await asyncio.to_thread((self._folder / "go-on").write_text, "go on")


def eager(image: dict[str, Any]) -> list[str]:
    offered = {each["format"] for each in image["variants"]}
    formats = [each for each in EAGER["eager_formats"].split() if each in offered]
    return [url_of(image, size, format) for size in EAGER["eager_sizes"].split() for format in formats]


def icon() -> bytes:
    file = io.BytesIO()
    Image.new("P", (700, 700)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
async def shop(
    start_service: StartService, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shop]:
    folder = tmp_path_factory.mktemp("ahead")
    for fifo in ("begun", "go-on"):
        os.mkfifo(folder / fifo)
    storage = ToldStorage(folder / "blobs")
    command = (sys.executable, "-I", str(Path(__file__).with_name("held_worker.py")), str(folder))
    values = {"database_url": await new_database(), "data_dir": folder / "data", **EAGER}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "cpu_count", lambda: 2)  # one pixel process may be held, another checks
        async with start_service(parts={"storage": storage, "pixel_command": command}, **values) as service:
            token = (await service.new_store()).token
            async with service.client(headers={"Authorization": f"Bearer {token}"}) as client:
                yield Shop(client, storage, folder)


async def test_variants_are_there_before_anybody_asks(shop: Shop) -> None:
    orphan = (await shop.client.post("/v2/images.json", files={"file": ("a.jpg", rocket())})).json()["id"]
    film = await uploaded(shop.client, FILM)
    image = await uploaded(shop.client, ROCKET)
    graphic = await uploaded(shop.client, "icon.png", icon())
    await shop.is_drawn(graphic)  # the last in the queue
    assert all(map(shop.storage.has, eager(image)))
    assert not shop.has_any(film)
    before = Scrape((await shop.client.get("/metrics")).text)
    for url in eager(image):
        answer = await shop.client.get(url)
        assert decoded(answer).width == int(url.split("-")[-2])
    shown = await shop.client.get(url_of(image), headers=BROWSER)
    assert shown.headers["Content-Type"] == "image/avif"
    flat = await shop.client.get(url_of(graphic), headers=BROWSER)
    assert flat.headers["Content-Type"] == "image/webp"  # weighed against its PNG, which nobody has drawn
    assert len(flat.content) <= len((await shop.client.get(url_of(graphic))).content)
    after = Scrape((await shop.client.get("/metrics")).text)
    drawn = [scrape.value("variant_draw_duration_seconds_count") for scrape in (before, after)]
    assert drawn[1] - drawn[0] == 1  # that PNG
    assert after.value("variants_ahead_total") >= 6 + 4
    assigned = await shop.client.post(f"{IMAGES}?fields=all", json={"image_id": int(orphan)})
    assert not shop.has_any(assigned.json())
    await shop.is_drawn(assigned.json())


async def test_under_load_the_oldest_are_dropped(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is drawn ahead while a shopper's picture is; a deleted image leaves the queue at once."""
    monkeypatch.setattr(render_queue, "MOST", 3)
    seen = await uploaded(shop.client, ROCKET)
    await shop.is_drawn(seen)
    shop.hold("render")
    shopper = asyncio.create_task(shop.client.get(url_of(seen, "50-0")))
    await shop.begun()
    load, gone = await shop.dropped("load"), await shop.dropped("gone")
    images = [await uploaded(shop.client, ROCKET) for _ in range(5)]
    assert await shop.dropped("load") == load + 2
    assert (await shop.client.delete(f"{IMAGES}/{images[2]['id']}")).status_code == 200
    replaced = await shop.client.put(f"{IMAGES}/{images[3]['id']}?fields=all", files={"file": ("b.jpg", rocket())})
    assert await shop.dropped("gone") == gone + 2
    assert not any(map(shop.has_any, images))
    await shop.go_on()
    assert (await shopper).status_code == 200
    await shop.is_drawn(replaced.json())  # the last in the queue
    await shop.is_drawn(images[4])
    assert not any(map(shop.has_any, images[:4]))


async def test_an_image_that_is_deleted_while_it_is_drawn_leaves_nothing(shop: Shop) -> None:
    gone = await shop.dropped("gone")
    shop.hold("family")
    image = await uploaded(shop.client, ROCKET)
    await shop.begun()
    # A shopper does not wait for it, and what a shopper has got stays as it is.
    first = await shop.client.get(url_of(image))
    assert first.status_code == 200
    other = await uploaded(shop.client, ROCKET)
    assert (await shop.client.delete(f"{IMAGES}/{image['id']}")).status_code == 200
    await shop.go_on()
    await shop.is_drawn(other)
    assert not shop.has_any(image)
    assert await shop.dropped("gone") == gone + 1


async def test_what_a_shopper_has_got_stays_as_it_is(shop: Shop) -> None:
    shop.hold("family")
    image = await uploaded(shop.client, ROCKET)
    await shop.begun()
    url = url_of(image, "640-0", "avif")
    first = await shop.client.get(url)
    await shop.go_on()
    await shop.is_drawn(image)
    again = await shop.client.get(url)
    assert (again.headers["ETag"], again.content) == (first.headers["ETag"], first.content)


def rocket() -> bytes:
    return (PHOTOS / ROCKET).read_bytes()
