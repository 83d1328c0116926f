"""WebP and AVIF as formats of uploads: a setting, off by default; what was stored outlives its being switched off."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from PIL import Image, ImageSequence

from image_service.stores.registry import NewStore
from tests.api.pictures import decoded, uploaded, url_of
from tests.conftest import StartService
from tests.pixels.heics import file as heic
from tests.pixels.pictures import encoded, png, quadrants
from tests.shop import form

BOTH = "gif jpg png webp avif"
PICTURES = {each: encoded(quadrants(800, 600), each.upper()) for each in ("webp", "avif")}


@asynccontextmanager
async def shop(
    start_service: StartService, input_formats: str, token: str = "", **changes: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of such a service, with a store of its own unless it has a token."""
    async with start_service(input_formats=input_formats, **changes) as service:
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
    weights = {each: len((await open_client.get(url_of(image, "240-0", each))).content) for each in ("avif", "webp")}
    lightest = min(weights, key=lambda each: weights[each])
    for accept, got in (("image/avif,image/webp", lightest), ("image/webp", "webp"), ("*/*", "jpeg")):
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


async def test_what_might_take_longer_than_one_render_may_is_not_offered(start_service: StartService) -> None:
    frames = [Image.effect_noise((200, 150), each) for each in range(60, 90)]
    film = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], quality=50, method=0)
    async with shop(start_service, BOTH, draw_seconds=0.49) as client:  # 0.9 megapixels
        image = await uploaded(client, "film.webp", film)
        assert formats_of(image, "0-0") == ["webp", "jpg"]
        assert formats_of(image, "50-0") == ["webp", "gif"]
        assert (await client.get(url_of(image, "0-0").replace(".webp", ".gif"))).status_code == 404
    async with shop(start_service, BOTH, draw_seconds=0.3) as client:
        answer = await client.post("/products/1/images", files=form(film, "film.webp"))
        assert (answer.status_code, answer.headers["Problem"]) == (422, "too_many_pixels")


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


@pytest.mark.parametrize(
    ("data", "reason", "problem"),
    [
        (heic("quadrants"), "HEIC: save it as JPEG", "other_format"),
        (encoded(quadrants(), "PDF"), "PDF: must be a gif, jpg or png image", "other_format"),
        (encoded(quadrants(), "BMP"), "BMP: must be a gif, jpg or png image", "other_format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG: must be a gif, jpg or png image", "other_format"),
        (b"hello", "must be a gif, jpg or png image", "not_an_image"),
        (encoded(quadrants(), "PNG")[:99], "is cut short", "cut_short"),
        (encoded(quadrants(), "JPEG").replace(b"\xff\xdb", b"\xff\xe5"), "is damaged", "damaged"),
        (png(16_385, 1), "is too wide or too high", "too_wide_or_high"),
        (png(8_000, 6_501), "has too many pixels", "too_many_pixels"),
    ],
)
async def test_a_refusal_tells_the_true_reason(
    client: httpx.AsyncClient, data: bytes, reason: str, problem: str
) -> None:
    answer = await client.post("/products/1/images", files=form(data))
    assert (answer.status_code, answer.json(), answer.headers["Problem"]) == (422, {"file": [reason]}, problem)
    answer = await client.post("/v2/images.json", files=form(data))
    large = problem in ("too_wide_or_high", "too_many_pixels")
    message = "Image is too large to process" if large else "Harus berupa file gambar"
    assert (answer.status_code, answer.json()["message"]) == (422, message)


async def test_an_animated_avif_is_named_where_avif_is_taken(open_client: httpx.AsyncClient) -> None:
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "lime")]
    data = encoded(frames[0], "AVIF", save_all=True, append_images=frames[1:], duration=100)
    answer = await open_client.post("/products/1/images", files=form(data, "film.avif"))
    assert (answer.status_code, answer.json()) == (422, {"file": ["is an animated AVIF"]})


async def test_what_came_is_kept_byte_for_byte(client: httpx.AsyncClient) -> None:
    """Also where the decoder is shown something tidier."""
    whole = encoded(quadrants(), "JPEG")
    scan = whole.index(b"\xff\xda")
    for name, data in (
        ("phone.jpg", whole[: scan + 11] + b"\0\0\0" + whole[scan + 14 :]),
        ("panorama.jpg", whole[:-2] + bytes(600)),
        ("open.png", encoded(quadrants(), "PNG")[:-12]),
    ):
        image = await uploaded(client, name, data)
        original = await client.get(f"/images/{image['id']}/original")
        assert (original.content, image["sha256"]) == (data, hashlib.sha256(data).hexdigest())
        assert decoded(await client.get(url_of(image, "50-0"))).size == (50, 33)


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


@pytest.mark.parametrize("format", ["webp", "avif"])
async def test_by_default_the_documents_hold_to_their_three_formats_and_all_else_takes_more(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, store: NewStore, format: str
) -> None:
    def form() -> dict[str, Any]:
        return {"file": (f"photo.{format}", PICTURES[format])}

    seed = await client.post("/products/1/images", files=form())
    assert (seed.status_code, seed.json()) == (422, {"file": ["must be a gif, jpg or png image"]})
    assert (await client.post("/v2/images.json", files=form())).status_code == 422
    for version in ("v1", "2025-03"):
        made = await client.post(f"/{version}/{store.store_id}/products/1/images", files=form())
        assert made.status_code == 201, version
    ticket = (await client.post("/uploads", json={"product_id": 1})).json()
    by_ticket = await anyone.post(f"{ticket['url']}&fields=format", files=form())
    assert (by_ticket.status_code, by_ticket.json()) == (201, {"format": format})
    copied = await client.post("/products/2/images", json={"src": made.json()["src"]})
    assert copied.status_code == 201  # what was taken once is taken again
