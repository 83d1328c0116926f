"""WebP and AVIF as formats of uploads: a setting, off by default; what was stored outlives its being switched off."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from PIL import Image, ImageSequence

from tests.api.pictures import decoded, uploaded, url_of
from tests.conftest import StartService
from tests.pixels.pictures import encoded, quadrants
from tests.shop import form

BOTH = "gif jpg png webp avif"
PICTURES = {each: encoded(quadrants(800, 600), each.upper()) for each in ("webp", "avif")}


@asynccontextmanager
async def shop(start_service: StartService, input_formats: str, token: str = "") -> AsyncIterator[httpx.AsyncClient]:
    """A client of such a service, with a store of its own unless it has a token."""
    async with start_service(input_formats=input_formats) as service:
        token = token or (await service.new_store()).token
        async with service.client(headers={"Authorization": f"Bearer {token}"}) as client:
            yield client


@pytest.fixture(scope="module")
async def open_client(start_service: StartService) -> AsyncIterator[httpx.AsyncClient]:
    async with shop(start_service, BOTH) as client:
        yield client


def formats_of(image: dict[str, Any], size: str) -> list[str]:
    return [each["format"] for each in image["variants"] if each["size"] == size]


@pytest.mark.parametrize(("format", "offered"), [("webp", "webp avif jpg"), ("avif", "avif webp jpg")])
async def test_the_own_format_comes_first(open_client: httpx.AsyncClient, format: str, offered: str) -> None:
    image = await uploaded(open_client, f"photo.{format}", PICTURES[format])
    assert (image["format"], image["width"], image["height"]) == (format, 800, 600)
    assert image["src"].endswith(f"-640-0.{format}")
    for size in ("50-0", "640-0", "0-0"):
        assert formats_of(image, size) == offered.split()
    for each in offered.split():
        answer = await open_client.get(url_of(image, format=each))
        assert decoded(answer).size == (640, 480)
        assert answer.headers["Content-Type"] == f"image/{each.replace('jpg', 'jpeg')}"
        assert ("Vary" in answer.headers) == (each == "jpg")
    original = await open_client.get(f"/images/{image['id']}/original")
    assert (original.headers["Content-Type"], original.content) == (f"image/{format}", PICTURES[format])


async def test_its_jpg_url_negotiates(open_client: httpx.AsyncClient) -> None:
    image = await uploaded(open_client, "photo.webp", PICTURES["webp"])
    url = url_of(image, "240-0", "jpg")
    for accept, got in (("image/avif,image/webp", "avif"), ("image/webp", "webp"), ("*/*", "jpeg")):
        answer = await open_client.get(url, headers={"Accept": accept})
        assert (answer.headers["Content-Type"], answer.headers["Vary"]) == (f"image/{got}", "Accept")
    own = await open_client.get(url_of(image, "240-0"), headers={"Accept": "image/avif"})
    assert own.headers["Content-Type"] == "image/webp"
    assert (await open_client.get(url.replace(".jpg", ".png"))).status_code == 404


async def test_an_animated_webp_stays_so(open_client: httpx.AsyncClient) -> None:
    frames = [Image.new("RGB", (80, 60), colour) for colour in ("red", "lime", "blue")]
    data = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=100)
    image = await uploaded(open_client, "film.webp", data)
    assert formats_of(image, "50-0") == ["webp", "gif"]
    for format in ("webp", "gif"):
        answer = await open_client.get(url_of(image, "50-0", format))
        assert sum(1 for _ in ImageSequence.Iterator(decoded(answer))) == 3


@pytest.mark.parametrize(
    ("taken", "message"),
    [
        ("gif jpg png", "must be a gif, jpg or png image"),
        ("gif jpg png avif", "must be a gif, jpg, png or avif image"),
    ],
)
async def test_a_refusal_names_what_is_taken(start_service: StartService, taken: str, message: str) -> None:
    async with shop(start_service, taken) as client:
        answer = await client.post("/products/1/images", files=form(PICTURES["webp"], "photo.webp"))
        assert (answer.status_code, answer.json()) == (422, {"file": [message]})
        answer = await client.post("/v2/images.json", files=form(PICTURES["webp"], "photo.webp"))
        assert (answer.status_code, answer.json()["message"]) == (422, "Harus berupa file gambar")
        answer = await client.post("/v2/images.json", files=form(PICTURES["avif"], "photo.avif"))
        assert answer.status_code == (200 if "avif" in taken else 422)


@pytest.mark.parametrize("format", ["webp", "avif"])
async def test_what_is_stored_outlives_the_setting(start_service: StartService, format: str) -> None:
    async with start_service() as service:
        token = (await service.new_store()).token
    async with shop(start_service, BOTH, token) as client:
        image = await uploaded(client, f"photo.{format}", PICTURES[format])
    async with shop(start_service, "gif jpg png", token) as client:
        for each in (format, "jpg"):
            assert decoded(await client.get(url_of(image, "320-0", each))).size == (320, 240)
        copy = await client.post("/products/2/images", json={"src": image["src"]})
        assert copy.status_code == 201
        again = await client.post("/products/2/images", files=form(PICTURES[format]))
        assert again.status_code == 422
