"""Pixels that a check has decoded serve the first renders, and go with their image. Without them all is as it was."""

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, ImageStat

from image_service.storage.names import original_name
from tests.api.pictures import url_of
from tests.conftest import Service, StartService
from tests.scrape import Scrape

IMAGES = "/products/7/images"


def files_in(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def noise(width: int, height: int) -> bytes:
    file = BytesIO()
    Image.effect_noise((width, height), 60).convert("RGB").save(file, "JPEG", quality=80)
    return file.getvalue()


PHOTO = noise(2400, 1600)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
async def keeping(start_service: StartService, folder: Path) -> AsyncIterator[Service]:
    async with start_service(kept_pixels_dir=folder) as service:
        yield service
    assert not files_in(folder)  # the memory is given back


@pytest.fixture
async def client(keeping: Service) -> AsyncIterator[httpx.AsyncClient]:
    token = (await keeping.new_store()).token
    async with keeping.client(headers={"Authorization": f"Bearer {token}"}) as client:
        yield client


async def added(client: httpx.AsyncClient, data: bytes = PHOTO) -> dict[str, Any]:
    answer = await client.post(f"{IMAGES}?fields=all", files={"file": ("a.jpg", data)})
    assert answer.status_code == 201, answer.text
    image: dict[str, Any] = answer.json()
    return image


def key_of(image: dict[str, Any]) -> str:
    return url_of(image).rsplit("-", 3)[1]


def kept_of(folder: Path, image: dict[str, Any]) -> list[Path]:
    return list(folder.glob(f"*/{key_of(image)}.rgb"))


def original_of(service: Service, image: dict[str, Any]) -> Path:
    return service.settings.data_dir / "blobs" / original_name(key_of(image))


async def test_sizes_that_a_shop_shows_first_need_no_original(
    keeping: Service, client: httpx.AsyncClient, folder: Path
) -> None:
    image = await added(client)
    assert len(kept_of(folder, image)) == 1
    original_of(keeping, image).unlink()
    for size in ("50-0", "320-0", "640-0"):
        for format in ("jpg", "webp", "avif"):
            answer = await client.get(url_of(image, size, format))
            assert answer.status_code == 200
            with Image.open(BytesIO(answer.content)) as picture:
                assert picture.size == (int(size[:-2]), round(int(size[:-2]) * 2 / 3))
    assert (await client.get(url_of(image, "1920-0", "jpg"))).status_code == 503


async def test_a_render_keeps_them_too(keeping: Service, client: httpx.AsyncClient, folder: Path) -> None:
    """Of an old photo, from its second variant on."""
    image = await added(client)
    kept_of(folder, image)[0].unlink()
    assert (await client.get(url_of(image, "240-0", "jpg"))).status_code == 200
    assert len(kept_of(folder, image)) == 1
    original_of(keeping, image).unlink()
    assert (await client.get(url_of(image, "640-0", "webp"))).status_code == 200


async def test_sizes_that_are_asked_for_at_once_share_a_decode(client: httpx.AsyncClient, folder: Path) -> None:
    image = await added(client)
    kept_of(folder, image)[0].unlink()
    before = Scrape((await client.get("/metrics")).text)
    urls = [url_of(image, size, format) for size in ("100-0", "320-0", "640-0") for format in ("jpg", "webp")]
    answers = await asyncio.gather(*map(client.get, urls))
    assert {answer.status_code for answer in answers} == {200}
    after = Scrape((await client.get("/metrics")).text)
    decodes, reuses = (
        after.value("kept_pixels_total", outcome=each) - before.value("kept_pixels_total", outcome=each)
        for each in ("miss", "hit")
    )
    assert (decodes, reuses) == (1, 5)


async def test_a_small_picture_is_kept_as_its_src_in_quiet_times_only(
    start_service: StartService, tmp_path: Path
) -> None:
    small, may_end, has_begun = noise(1600, 1200), asyncio.Event(), asyncio.Event()

    async def slow_body() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n' + small[:1000]
        has_begun.set()
        await may_end.wait()
        yield small[1000:] + b"\r\n--x--\r\n"

    async with start_service(kept_pixels_dir=tmp_path, workers=64, database_connections=128) as service:
        token = (await service.new_store()).token
        async with service.client(headers={"Authorization": f"Bearer {token}"}) as client:
            multipart = {"Content-Type": "multipart/form-data; boundary=x"}
            slow = asyncio.create_task(client.post(f"{IMAGES}?fields=all", content=slow_body(), headers=multipart))
            await has_begun.wait()
            beside = await added(client, small)
            may_end.set()
            alone = (await slow).json()
            assert kept_of(tmp_path, beside) == []
            assert [path.stat().st_size for path in kept_of(tmp_path, alone)] == [640 * 480 * 3]
            original_of(service, alone).unlink()
            for size in ("640-0", "320-0"):
                for format in ("jpg", "webp", "avif"):
                    assert (await client.get(url_of(alone, size, format))).status_code == 200
            assert (await client.get(url_of(alone, "480-0", "jpg"))).status_code == 503  # it takes more pixels


async def test_pixels_that_are_not_whole_are_not_used(client: httpx.AsyncClient, folder: Path) -> None:
    image = await added(client)
    with kept_of(folder, image)[0].open("r+b") as file:
        file.truncate(1000)
    answer = await client.get(url_of(image, "640-0", "jpg"))
    with Image.open(BytesIO(answer.content)) as picture:
        assert ImageStat.Stat(picture.convert("L").crop((0, 400, 640, 427))).mean[0] > 64  # grain, to the last rows


@pytest.mark.parametrize("change", ["replaced", "deleted", "emptied"])
async def test_they_go_with_their_bytes(client: httpx.AsyncClient, folder: Path, change: str) -> None:
    image = await added(client)
    assert kept_of(folder, image)
    if change == "replaced":
        answer = await client.put(f"{IMAGES}/{image['id']}", files={"file": ("b.jpg", PHOTO)})
    elif change == "deleted":
        answer = await client.delete(f"{IMAGES}/{image['id']}")
    else:
        answer = await client.delete(IMAGES.removesuffix("/images"))
    assert answer.status_code == 200
    assert not kept_of(folder, image)


async def test_a_refused_upload_leaves_none(client: httpx.AsyncClient, folder: Path) -> None:
    before = files_in(folder)
    answer = await client.post(IMAGES, files={"file": ("a.jpg", PHOTO[: len(PHOTO) // 2])})
    assert answer.status_code == 422
    answer = await client.post(IMAGES, files={"file": ("a.jpg", PHOTO)}, headers={"If-Match": '"999-1"'})
    assert answer.status_code == 412
    assert files_in(folder) == before


async def test_the_cache_may_be_switched_off(start_service: StartService, folder: Path) -> None:
    async with start_service(kept_pixels_dir=folder, kept_pixels=0) as service:
        token = (await service.new_store()).token
        async with service.client(headers={"Authorization": f"Bearer {token}"}) as client:
            image = await added(client)
            assert not kept_of(folder, image)
            assert (await client.get(url_of(image, "640-0", "jpg"))).status_code == 200
            assert not kept_of(folder, image)


async def test_a_service_without_the_folder_serves(start_service: StartService) -> None:
    async with start_service(kept_pixels_dir=Path("/proc/nowhere")) as service:
        token = (await service.new_store()).token
        async with service.client(headers={"Authorization": f"Bearer {token}"}) as client:
            image = await added(client)
            assert (await client.get(url_of(image, "640-0", "jpg"))).status_code == 200
