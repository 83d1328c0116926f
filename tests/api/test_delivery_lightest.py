"""No URL is answered with more bytes than its own format has; which format is lightest is decided once."""

import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, ImageDraw

from tests.api.pictures import ROCKET, uploaded, url_of
from tests.conftest import Service
from tests.shop import PRODUCT

GREY = Image.linear_gradient("L")
TURNED = Image.Transpose.ROTATE_90
BROWSER = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"


def icon() -> bytes:
    image = Image.new("RGBA", (200, 200), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((20, 20, 180, 180), 30, fill=(30, 90, 200, 255))
    draw.ellipse((60, 60, 140, 140), fill=(255, 255, 255, 255))
    return saved(image)


def saved(image: Image.Image, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def dot() -> bytes:
    return saved(Image.new("1", (1, 1), 1))


def public(service: Service, image: dict[str, Any]) -> list[Path]:
    return list((Path(service.settings.data_dir) / "blobs" / "public").rglob(f"*-{key_of(image)}-*"))


def marker_files(service: Service, image: dict[str, Any]) -> list[Path]:
    return [path for path in public(service, image) if path.suffix.startswith(".no")]


def markers(service: Service, image: dict[str, Any]) -> set[str]:
    return {path.suffix.removeprefix(".") for path in marker_files(service, image)}


def key_of(image: dict[str, Any]) -> str:
    return str(image["src"]).split("-")[-3]


@pytest.mark.parametrize("data", [icon(), dot()], ids=["icon", "dot"])
@pytest.mark.parametrize("accept", [BROWSER, "image/webp", "image/avif"])
@pytest.mark.parametrize("size", ["50-0", "640-0"])
async def test_a_graphic_never_weighs_more_than_its_png(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, data: bytes, accept: str, size: str
) -> None:
    url = url_of(await uploaded(client, "graphic.png", data), size)
    first = await anyone.get(url, headers={"Accept": accept})
    plain = await anyone.get(url)
    again = await anyone.get(url, headers={"Accept": accept})
    assert plain.headers["Content-Type"] == "image/png"
    assert len(first.content) <= len(plain.content)
    assert (again.content, again.headers["ETag"]) == (first.content, first.headers["ETag"])


async def test_an_icon_is_webp_without_loss(
    service: Service, client: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    image = await uploaded(client, "icon.png", icon())
    answer = await anyone.get(url_of(image), headers={"Accept": BROWSER})
    assert answer.headers["Content-Type"] == "image/webp"
    assert b"VP8L" in answer.content[:64]
    assert markers(service, image) == {"noavif"}
    avif = await anyone.get(url_of(image, format="avif"))  # a losing format's own URL still works
    assert avif.headers["Content-Type"] == "image/avif"
    assert (await anyone.get(url_of(image), headers={"Accept": BROWSER})).content == answer.content


async def test_a_photo_is_avif(service: Service, client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    image = await uploaded(client, ROCKET)
    answer = await anyone.get(url_of(image), headers={"Accept": BROWSER})
    assert answer.headers["Content-Type"] == "image/avif"
    assert markers(service, image) == set()


@pytest.mark.parametrize("accept", [BROWSER, "image/avif"])
async def test_what_was_drawn_by_its_own_url_is_weighed_too(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, accept: str
) -> None:
    """Before the PNG has been asked for."""
    image = await uploaded(client, "icon.png", icon())
    avif = await anyone.get(url_of(image, format="avif"))
    answer = await anyone.get(url_of(image), headers={"Accept": accept})
    png = await anyone.get(url_of(image))
    assert len(answer.content) <= len(png.content) < len(avif.content)


@pytest.mark.parametrize("accept", [BROWSER, "image/webp"])
async def test_a_gradient_without_compression_is_weighed(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, accept: str
) -> None:
    """Too many colours for a graphic, and its file says nothing of what its PNG will weigh."""
    across, down = GREY.resize((512, 512)), GREY.transpose(TURNED).resize((512, 512))
    data = saved(Image.merge("RGB", [across, down, across]), compress_level=0)
    url = url_of(await uploaded(client, "gradient.png", data), "0-0")
    answer = await anyone.get(url, headers={"Accept": accept})
    assert len(answer.content) <= len((await anyone.get(url)).content)


async def test_markers_are_copied_to_another_size(
    service: Service, client: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    image = await uploaded(client, "icon.png", icon())
    answers = [await anyone.get(url_of(image, size), headers={"Accept": BROWSER}) for size in ("640-0", "0-0", "0-0")]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert len(marker_files(service, image)) == 2


async def test_a_marker_without_a_picture_and_a_picture_without_a_marker(
    service: Service, client: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    """What a crash may leave, or whoever removes variants: the next request finds the same again."""
    image = await uploaded(client, "icon.png", icon())
    drawn = await anyone.get(url_of(image), headers={"Accept": BROWSER})
    for left in (".noavif", ".webp"):
        for path in public(service, image):
            if path.suffix != left:
                path.unlink()
        answer = await anyone.get(url_of(image), headers={"Accept": BROWSER})
        assert (answer.content, answer.headers["Content-Type"]) == (drawn.content, "image/webp")


async def test_markers_go_with_the_image(
    service: Service, client: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    image = await uploaded(client, "icon.png", icon())
    await anyone.get(url_of(image), headers={"Accept": BROWSER})
    assert markers(service, image)
    assert (await anyone.get(url_of(image).replace(".png", ".noavif"))).status_code == 404
    assert (await client.delete(f"/products/{PRODUCT}/images/{image['id']}")).status_code == 200
    assert markers(service, image) == set()
