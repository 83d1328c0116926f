"""More pictures asked for than can be rendered: who waits, who is refused at once, and what is not rendered at all; and
what has to be checked meanwhile."""

import asyncio
import io
import os
import random
import re
import sys
from pathlib import Path

import httpx
from PIL import Image

from image_service.stores.registry import NewStore
from image_service.telemetry import metrics
from tests.api.pictures import CUP, ROCKET, uploaded, url_of
from tests.api.watched import WatchedStorage
from tests.conftest import Service, StartService
from tests.faults.waiting import until
from tests.processes import DEADLINE
from tests.shop import form, order, path

GATED = (sys.executable, "-I", str(Path(__file__).parents[1] / "pixels" / "gated_worker.py"))
# Among the workers the cores are divided. Originals are read each time.
ONE_PIXEL_PROCESS = {"workers": 64, "database_connections": 128, "kept_pixels": 0}


def gated(folder: Path) -> tuple[Path, Path, tuple[str, ...]]:
    """Two FIFOs, by which pixel processes say that they have begun and are told to go on, and their command."""
    begun, go_on = folder / "begun", folder / "go-on"
    for fifo in (begun, go_on):
        os.mkfifo(fifo)
    return begun, go_on, (*GATED, str(folder))


def waiting() -> bool:
    return metrics.REGISTRY.get_sample_value("image_service_pixel_jobs_waiting") == 1


async def test_what_nobody_waits_for_any_more_is_not_rendered(
    service: Service, client: httpx.AsyncClient, start_service: StartService, tmp_path: Path
) -> None:
    image = await uploaded(client, ROCKET)
    first, second = url_of(image), url_of(image, "480-0")
    begun, go_on, pixel_command = gated(tmp_path)
    storage = WatchedStorage(service.settings.data_dir / "blobs")
    parts = {"storage": storage, "pixel_command": pixel_command}
    async with start_service(parts=parts, **ONE_PIXEL_PROCESS) as busy, busy.client() as visitor:
        rendering = asyncio.create_task(visitor.get(first))
        await asyncio.to_thread(begun.read_text)
        leaving = asyncio.create_task(visitor.get(second))
        await until(waiting, DEADLINE)
        leaving.cancel()
        await until(lambda: not waiting(), DEADLINE)
        await asyncio.to_thread(go_on.write_text, "go on")
        assert (await rendering).status_code == 200
        assert storage.written == ["public" + first]
        again = asyncio.create_task(visitor.get(second))
        await asyncio.to_thread(begun.read_text)
        await asyncio.to_thread(go_on.write_text, "go on")
        assert (await again).status_code == 200


async def test_a_wait_that_would_be_too_long(start_service: StartService) -> None:
    async with start_service(draw_wait=0.001) as service:
        store = await service.new_store()
        async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            # Several images: variants of one share a decode.
            images = [await uploaded(client, CUP) for _ in range(4)]
            urls = [url_of(image, each["size"], each["format"]) for image in images for each in image["variants"]]
            answers = await asyncio.gather(*(client.get(url) for url in urls))
            assert {answer.status_code for answer in answers} == {200, 503}
            for answer in answers:
                if answer.status_code == 503:
                    assert answer.headers["Retry-After"] == "1"
                    assert answer.headers["Cache-Control"] == "no-store"
                    assert answer.headers["X-Content-Type-Options"] == "nosniff"
            for url in urls:  # one after the other: nobody waits
                assert (await client.get(url)).status_code == 200


async def test_what_would_wait_too_long_is_refused_before_it_costs_anything(
    service: Service, client: httpx.AsyncClient, start_service: StartService
) -> None:
    image = await uploaded(client, ROCKET)
    storage = WatchedStorage(service.settings.data_dir / "blobs")
    async with (
        start_service(parts={"storage": storage}, **ONE_PIXEL_PROCESS, draw_wait=0.001) as busy,
        busy.client() as visitor,
    ):
        await visitor.get(url_of(image))  # now it is known what a rendering takes
        storage.may_read.clear()
        rendering = asyncio.create_task(visitor.get(url_of(image, "480-0")))
        await storage.arrived.wait()
        refused = await visitor.get(url_of(image, "240-0"))  # which nobody lets read the original
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        storage.may_read.set()
        assert (await rendering).status_code == 200


async def test_names_that_somebody_invents_are_no_work(
    client: httpx.AsyncClient, store: NewStore, start_service: StartService
) -> None:
    """All of them are under way when a picture that exists is asked for: it is rendered, although nothing may wait."""
    image = await uploaded(client, ROCKET)
    name = re.sub("[0-9a-f]{32}", "{:032x}", url_of(image, "480-0"))
    async with start_service(**ONE_PIXEL_PROCESS, draw_wait=0.05) as busy, busy.client() as visitor:
        assert (await visitor.get(url_of(image, "50-0"))).status_code == 200  # now it is known what a rendering takes
        invented = [asyncio.create_task(visitor.get(name.format(number))) for number in range(200)]
        asked = await asyncio.gather(*invented, visitor.get(url_of(image, "480-0")))
    assert [answer.status_code for answer in asked] == [404] * 200 + [200]


async def test_sizes_that_come_out_the_same_are_rendered_once(client: httpx.AsyncClient) -> None:
    """A small picture in all sizes that are larger, at once and later."""

    def rendered() -> float:
        name = "image_service_variant_draw_duration_seconds_count"
        return metrics.REGISTRY.get_sample_value(name, {"format": "png"}) or 0.0

    answer = await client.post("/products/1/images", files=form(), params={"fields": "all"})
    *urls, last = [path(each["url"]) for each in answer.json()["variants"] if each["format"] == "png"]
    before = rendered()
    answers = [*await asyncio.gather(*map(client.get, urls)), await client.get(last)]
    assert [each.status_code for each in answers] == [200] * 9
    assert len({each.content for each in answers}) == 1
    assert rendered() == before + 1


async def test_a_variant_that_unfolds_is_not_kept(
    service: Service, start_service: StartService, store: NewStore, tmp_path: Path
) -> None:
    """Noise that repeats every 97 pixels, which deflates well. Made smaller, it never repeats to the byte."""
    rows = (random.Random(row).randbytes(3 * 97) * 17 for row in range(1600))
    Image.frombytes("RGB", (1649, 1600), b"".join(rows)).save(tmp_path / "noise.png")
    data = (tmp_path / "noise.png").read_bytes()
    storage = WatchedStorage(service.settings.data_dir / "blobs")
    async with (
        start_service(parts={"storage": storage}, max_image_bytes=len(data)) as narrow,
        narrow.client(headers={"Authorization": f"Bearer {store.token}"}) as client,
    ):
        image = (await client.post("/products/1/images", files=form(data), params={"fields": "all"})).json()
        refused = await client.get(url_of(image, "1024-1024"))
        assert (refused.status_code, refused.headers["Cache-Control"]) == (503, "no-store")
        assert storage.written == []
        assert (await client.get(url_of(image, "50-0"))).status_code == 200


async def test_a_png_is_filtered(client: httpx.AsyncClient) -> None:
    """Rows of a picture that are all the same: without filters its variant has 30 times the bytes."""
    row = random.Random(1).randbytes(3 * 2000)
    data = io.BytesIO()
    Image.frombytes("RGB", (2000, 300), row * 300).save(data, "PNG")
    image = (await client.post("/products/1/images", files=form(data.getvalue()), params={"fields": "all"})).json()
    whole = next(each["url"] for each in image["variants"] if (each["size"], each["format"]) == ("0-0", "png"))
    assert len((await client.get(path(whole))).content) < 100_000


async def test_when_the_first_of_the_same_has_gone_the_next_is_rendered(
    client: httpx.AsyncClient, start_service: StartService, tmp_path: Path
) -> None:
    small = (await client.post("/products/1/images", files=form(), params={"fields": "all"})).json()
    first, second = [path(each["url"]) for each in small["variants"] if each["format"] == "png"][:2]
    other = url_of(await uploaded(client, ROCKET))
    begun, go_on, pixel_command = gated(tmp_path)
    async with (
        start_service(parts={"pixel_command": pixel_command}, **ONE_PIXEL_PROCESS) as busy,
        busy.client() as visitor,
    ):
        rendering = asyncio.create_task(visitor.get(other))
        await asyncio.to_thread(begun.read_text)
        leaving = asyncio.create_task(visitor.get(first))
        await until(waiting, DEADLINE)
        staying = asyncio.create_task(visitor.get(second))
        leaving.cancel()
        await until(leaving.done, DEADLINE)
        for task in (rendering, staying):
            await asyncio.to_thread(go_on.write_text, "go on")
            assert (await task).status_code == 200
            if task is rendering:
                await asyncio.to_thread(begun.read_text)


async def test_an_upload_that_would_wait_too_long_to_be_checked(
    client: httpx.AsyncClient, store: NewStore, start_service: StartService, tmp_path: Path
) -> None:
    image = await uploaded(client, ROCKET)
    begun, go_on, pixel_command = gated(tmp_path)
    parts = {"pixel_command": pixel_command}
    async with (
        start_service(parts=parts, **ONE_PIXEL_PROCESS, check_wait=0.01) as busy,
        busy.client(headers={"Authorization": f"Bearer {store.token}"}) as shop,
    ):
        rendering = asyncio.create_task(shop.get(url_of(image, "100-0")))
        await asyncio.to_thread(begun.read_text)
        refused = await shop.post("/products/7/images", files=form())
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert await order(shop, 7) == []
        await asyncio.to_thread(go_on.write_text, "go on")
        assert (await rendering).status_code == 200
        assert (await shop.post("/products/7/images", files=form())).status_code == 201
