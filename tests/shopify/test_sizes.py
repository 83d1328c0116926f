"""Sizes that clients write into a picture's URL lead to sizes that there are."""

import httpx
import pytest

from image_service.delivery.derived import covering
from image_service.pixels.sizes import DEFAULT_SIZES, Size
from tests.conftest import DELIVERY
from tests.shop import path
from tests.shopify.conftest import Shop


@pytest.mark.parametrize(
    ("suffix", "size"),
    [
        ("pico", "50-0"), ("icon", "50-0"), ("thumb", "50-0"), ("small", "100-0"), ("compact", "240-0"),
        ("medium", "240-0"), ("large", "480-0"), ("grande", "640-0"), ("original", "0-0"), ("master", "0-0"),
        ("100x100", "100-0"), ("101x", "240-0"), ("x300", "640-0"), ("x100", "240-0"),
        ("x25@2x", "100-0"), ("1024x1024", "1024-1024"), ("2048x2048", "0-0"),
        ("300x200_crop_center", "320-0"), ("300x300@2x", "640-0"), ("small@3x", "320-0"), ("9999x9999@3x", "0-0"),
    ],
)  # fmt: skip
async def test_a_size_that_covers_it(shop: Shop, anyone: httpx.AsyncClient, suffix: str, size: str) -> None:
    src = (await shop.add())["src"]
    for method in ("GET", "HEAD"):
        answer = await anyone.request(method, path(src).replace(".png", f"_{suffix}.png?v=1"))
        assert (answer.status_code, answer.headers["Location"]) == (302, src.replace("640-0", size))
        assert answer.headers["Cache-Control"] == "public, max-age=3600"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert (await anyone.get(answer.headers["Location"].removeprefix(DELIVERY))).status_code == 200


@pytest.mark.parametrize(
    "suffix", ["tiny", "x", "0x0", "10000x1", "small@4x", "Small", "small_small", "100x100_crop_out", "", "small.x"]
)
async def test_nothing_else(shop: Shop, anyone: httpx.AsyncClient, suffix: str) -> None:
    src = path((await shop.add())["src"])
    assert (await anyone.get(src.replace(".png", f"_{suffix}.png"))).status_code == 404


async def test_only_names_that_may_be_pictures(shop: Shop, anyone: httpx.AsyncClient) -> None:
    src = path((await shop.add())["src"])
    for wrong in (src.replace("640-0", "0640-0"), src.replace("/products/", "/"), src.replace("640-0", "640")):
        assert (await anyone.get(wrong.replace(".png", "_small.png"))).status_code == 404
    gone = src[:-12] + ("0" if src[-12] != "0" else "1") + src[-11:]  # another key: nothing is looked up
    assert (await anyone.get(gone.replace(".png", "_small.png"))).status_code == 302


async def test_such_a_url_is_its_own_image_in_an_update(shop: Shop) -> None:
    image = await shop.add()
    assert await shop.put(image, src=image["src"].replace(".png", "_small.png")) == image


@pytest.mark.parametrize(
    ("sizes", "side", "found"),
    [
        (DEFAULT_SIZES, 0, Size(0, 0)),
        (DEFAULT_SIZES, 1025, Size(1920, 0)),
        ((Size(640, 0), Size(100, 0)), 0, Size(640, 0)),  # no full size is offered
        ((Size(640, 0), Size(100, 0)), 641, Size(640, 0)),
        ((Size(640, 640), Size(640, 0)), 640, Size(640, 0)),
    ],
)
def test_the_narrowest_that_is_wide_enough(sizes: tuple[Size, ...], side: int, found: Size) -> None:
    assert covering(sizes, side) == found
