"""Edges of cut-outs, coloured text and thin lines keep their colours; photos are as small as before."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from tests.conftest import PHOTOS
from tests.pixels.conftest import WAIT
from tests.pixels.pictures import encoded, format_of
from tests.pixels.shown import Shown

WIDTH, HEIGHT = 320, 240
RED, GREY = (220, 0, 0), (128, 128, 128)


def cut_out() -> Image.Image:
    """A red disc with a soft edge, on nothing."""
    big = Image.new("RGBA", (WIDTH * 4, HEIGHT * 4), (0, 0, 0, 0))
    ImageDraw.Draw(big).ellipse((200, 100, 1000, 900), fill=(*RED, 255))
    return big.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def red_lines() -> Image.Image:
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    for y in range(21, HEIGHT, 40):
        ImageDraw.Draw(image).line((0, y, WIDTH, y), fill=(255, 0, 0))
    return image


async def drawn(pool: PixelPool, folder: Path, data: bytes, format: Format) -> bytes:
    (folder / "a").write_bytes(data)
    original = format_of(folder / "a")
    with Image.open(folder / "a") as image:
        size = image.size
    await pool.render(folder / "a", folder / "b", Rendering(original, format, *size, 1), wait=WAIT)
    return (folder / "b").read_bytes()


def on_white(image: Image.Image) -> Image.Image:
    ground = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")


def colours(image: Image.Image, mode: str) -> list[tuple[int, ...]]:
    data = on_white(image).convert(mode).tobytes()
    return list(zip(data[::3], data[1::3], data[2::3], strict=True))


def chroma_error(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of the two colour channels, where there are any colours."""
    pairs = zip(colours(one, "YCbCr"), colours(other, "YCbCr"), strict=True)
    coloured = [(a, b) for a, b in pairs if abs(a[1] - 128) + abs(a[2] - 128) > 8]
    return sum(abs(a[1] - b[1]) + abs(a[2] - b[2]) for a, b in coloured) / len(coloured)


def edge_error(source: Image.Image, other: Image.Image) -> float:
    """The same where `source` is half transparent."""
    edge = [point for point, alpha in enumerate(source.getchannel("A").tobytes()) if 16 < alpha < 240]
    wanted, seen = colours(source, "YCbCr"), colours(other, "YCbCr")
    return sum(abs(wanted[at][1] - seen[at][1]) + abs(wanted[at][2] - seen[at][2]) for at in edge) / len(edge)


async def test_a_cut_out_has_no_fringe(pool: PixelPool, chromium: Shown, tmp_path: Path) -> None:
    source = cut_out()
    avif = await chromium.frame(await drawn(pool, tmp_path, encoded(source, "PNG"), Format.AVIF), Format.AVIF)
    assert edge_error(source, avif) < 8  # 11.4 with half the colours and black beneath


@pytest.mark.parametrize("format", [Format.AVIF, Format.JPG])
async def test_thin_red_lines_stay_red(pool: PixelPool, chromium: Shown, tmp_path: Path, format: Format) -> None:
    source = red_lines()
    seen = await chromium.frame(await drawn(pool, tmp_path, encoded(source, "WEBP", lossless=True), format), format)
    assert chroma_error(source, seen) < 25  # 95 with half the colours


@pytest.mark.parametrize(("mode", "sampling"), [("RGB", 2), ("RGB", 0)])
async def test_a_photo_has_half_the_colours(pool: PixelPool, tmp_path: Path, mode: str, sampling: int) -> None:
    with Image.open(PHOTOS / "rocket.jpg") as photo:
        data = encoded(photo.convert(mode), "JPEG", quality=95, subsampling=sampling)
    jpeg = await drawn(pool, tmp_path, data, Format.JPG)
    with Image.open(BytesIO(jpeg)) as image:
        assert next(component[1:3] for component in image.layer) == (2, 2)  # type: ignore[attr-defined]


async def test_alpha_that_hides_nothing_costs_nothing(pool: PixelPool, tmp_path: Path) -> None:
    with Image.open(PHOTOS / "rocket.jpg") as photo:
        plain, opaque = photo.convert("RGB"), photo.convert("RGBA")
    for format in (Format.AVIF, Format.WEBP):
        assert await drawn(pool, tmp_path, encoded(opaque, "PNG"), format) == await drawn(
            pool, tmp_path, encoded(plain, "PNG"), format
        )
