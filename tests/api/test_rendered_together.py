"""Variants of one picture that are requested at once are rendered from one decode, and are what they would be alone."""

import asyncio
import io
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from image_service.images.rendering import shared_renders
from tests.api.pictures import CUP, decoded, uploaded, url_of
from tests.conftest import Service, StartService
from tests.processes import DEADLINE
from tests.scrape import Scrape
from tests.shop import PRODUCT

LONELY = (sys.executable, "-I", str(Path(__file__).parents[1] / "pixels" / "lonely_worker.py"))
SMALL = ("50-0", "100-0", "320-0", "640-0")
LARGE = ("1024-1024", "1920-0", "0-0")  # more than the kept pixels serve


@pytest.fixture(autouse=True)
def all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine too, the first request waits for those on their way."""
    monkeypatch.setattr(shared_renders, "COLLECT_SECONDS", DEADLINE)


def photo(mode: str = "RGB", sides: tuple[int, int] = (2000, 1500)) -> bytes:
    file = io.BytesIO()
    Image.effect_noise(sides, 60).convert(mode).save(file, "JPEG", quality=80)
    return file.getvalue()


@pytest.fixture
async def keeping(start_service: StartService, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a service that keeps pixels in `tmp_path`."""
    async with start_service(kept_pixels_dir=tmp_path) as service:
        token = (await service.new_store()).token
        async with service.client(headers={"Authorization": f"Bearer {token}"}) as client:
            yield client


async def together(client: httpx.AsyncClient) -> float:
    return Scrape((await client.get("/metrics")).text).value("variants_together_total")


async def at_once(client: httpx.AsyncClient, urls: Sequence[str]) -> tuple[list[httpx.Response], float]:
    """The answers, and how many variants came from a decode that others share."""
    before = await together(client)
    answers = await asyncio.gather(*map(client.get, urls))
    return answers, await together(client) - before


def urls_of(image: dict[str, Any]) -> list[str]:
    return [url_of(image, each["size"], each["format"]) for each in image["variants"]]


async def test_a_graphic_in_all_sizes_and_formats(client: httpx.AsyncClient) -> None:
    image, other = [await uploaded(client, CUP) for _ in range(2)]
    sizes = ("50-0", "100-0", "240-0", "320-0")
    urls = [url_of(image, size, format) for size in sizes for format in ("png", "webp", "avif")]
    answers, shared = await at_once(client, urls)
    assert shared == len(urls)
    for answer, url in zip(answers, urls, strict=True):
        alone = await client.get(url.replace(key_of(image), key_of(other)))
        assert answer.content == alone.content


def remove_kept(folder: Path, image: dict[str, Any]) -> None:
    for kept in folder.rglob(f"{key_of(image)}*"):
        kept.unlink()


def key_of(image: dict[str, Any]) -> str:
    return url_of(image).rsplit("-", 3)[1]


async def test_large_sizes_of_a_photo(client: httpx.AsyncClient) -> None:
    image = await uploaded(client, "photo.jpg", photo())
    answers, shared = await at_once(client, [url_of(image, size, "jpg") for size in LARGE])
    assert shared == len(LARGE)
    assert [decoded(answer).size for answer in answers] == [(1024, 768), (1920, 1440), (2000, 1500)]
    _, shared = await at_once(client, [url_of(image, LARGE[0], "webp")])
    assert shared == 0  # it was alone


async def test_sizes_of_a_photo_whose_pixels_cannot_be_kept(keeping: httpx.AsyncClient) -> None:
    """The first one finds that they cannot; then one decode is for all others."""
    image = await uploaded(keeping, "photo.jpg", photo("L"))
    answers, shared = await at_once(keeping, [url_of(image, size, "jpg") for size in SMALL])
    assert shared == len(SMALL) - 1
    assert [decoded(answer).width for answer in answers] == [50, 100, 320, 640]


async def test_small_and_large_sizes_of_a_photo_whose_pixels_are_not_kept(
    keeping: httpx.AsyncClient, tmp_path: Path
) -> None:
    image = await uploaded(keeping, "photo.jpg", photo(sides=(4000, 3000)))
    remove_kept(tmp_path, image)
    answers, shared = await at_once(keeping, [url_of(image, size, "jpg") for size in (*SMALL, *LARGE)])
    assert shared == len(SMALL) + len(LARGE)
    assert [decoded(answer).width for answer in answers] == [50, 100, 320, 640, 1024, 1920, 4000]


async def test_one_that_fails_costs_the_others_nothing(start_service: StartService) -> None:
    """A process that dies of the job of several: each is rendered alone."""
    async with start_service(parts={"pixel_command": LONELY}) as service:
        token = (await service.new_store()).token
        async with service.client(headers={"Authorization": f"Bearer {token}"}) as client:
            image = await uploaded(client, "photo.jpg", photo())
            answers, shared = await at_once(client, [url_of(image, size, "jpg") for size in LARGE])
            assert [decoded(answer).width for answer in answers] == [1024, 1920, 2000]
            assert shared == 0


async def test_a_picture_that_has_gone_is_404_for_all(service: Service, client: httpx.AsyncClient) -> None:
    image = await uploaded(client, CUP)
    await client.delete(f"/products/{PRODUCT}/images/{image['id']}")
    answers, shared = await at_once(client, urls_of(image))
    assert ({answer.status_code for answer in answers}, shared) == ({404}, 0)
