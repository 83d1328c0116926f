"""Icons, logos, charts and line art: light, and without loss."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageDraw

from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from tests.conftest import PHOTOS
from tests.pixels.conftest import WAIT
from tests.pixels.pictures import encoded, format_of

WIDTH, HEIGHT = 480, 360


def line_art() -> Image.Image:
    image = Image.new("1", (WIDTH, HEIGHT), 1)
    draw = ImageDraw.Draw(image)
    for step in range(12):
        draw.ellipse((step * 8, step * 8, WIDTH - step * 8, HEIGHT - step * 8), outline=0)
    return image


def chart() -> Image.Image:
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    for bar in range(10):
        colour = (25 * bar, 200 - 20 * bar, 90)
        ImageDraw.Draw(image).rectangle((bar * 48, HEIGHT - 30 * bar, bar * 48 + 30, HEIGHT), fill=colour)
    return image


def icon() -> Image.Image:
    image = Image.new("RGBA", (200, 200), (0, 0, 0, 0))
    ImageDraw.Draw(image).rounded_rectangle((20, 20, 180, 180), 30, fill=(30, 90, 200, 255))
    return image


GRAPHICS = {"line art": line_art(), "chart": chart(), "palette": chart().convert("P"), "icon": icon()}


async def drawn(pool: PixelPool, folder: Path, data: bytes, format: Format, shrink: int = 1) -> bytes:
    (folder / "a").write_bytes(data)
    with Image.open(folder / "a") as image:
        width, height = image.width // shrink, image.height // shrink
    rendering = Rendering(format_of(folder / "a"), format, width, height, 1)
    await pool.render(folder / "a", folder / "b", rendering, wait=WAIT)
    return (folder / "b").read_bytes()


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data)).convert("RGBA")


@pytest.mark.parametrize("name", GRAPHICS)
@pytest.mark.parametrize("format", [Format.PNG, Format.WEBP])
async def test_at_full_size_nothing_is_lost(pool: PixelPool, tmp_path: Path, name: str, format: Format) -> None:
    source = GRAPHICS[name].convert("RGBA")
    seen = opened(await drawn(pool, tmp_path, encoded(GRAPHICS[name], "PNG"), format))
    one, other = (Image.alpha_composite(Image.new("RGBA", each.size, "white"), each) for each in (source, seen))
    assert ImageChops.difference(one, other).convert("RGB").getbbox() is None


@pytest.mark.parametrize("name", GRAPHICS)
@pytest.mark.parametrize("shrink", [1, 2])
async def test_webp_is_lighter_than_png(pool: PixelPool, tmp_path: Path, name: str, shrink: int) -> None:
    data = encoded(GRAPHICS[name], "PNG")
    webp = await drawn(pool, tmp_path, data, Format.WEBP, shrink)
    assert len(webp) <= len(await drawn(pool, tmp_path, data, Format.PNG, shrink))


@pytest.mark.parametrize("name", ["line art", "palette", "chart"])
async def test_png_weighs_about_what_came(pool: PixelPool, tmp_path: Path, name: str) -> None:
    data = encoded(GRAPHICS[name], "PNG")
    assert len(await drawn(pool, tmp_path, data, Format.PNG)) <= 1.4 * len(data)


async def test_a_photo_is_none(pool: PixelPool, tmp_path: Path) -> None:
    with Image.open(PHOTOS / "rocket.jpg") as photo:
        for mode in ("RGB", "L"):
            webp = await drawn(pool, tmp_path, encoded(photo.convert(mode), "PNG"), Format.WEBP)
            assert b"VP8L" not in webp[:32]


async def test_a_photo_with_a_palette_may_lose_a_little(pool: PixelPool, tmp_path: Path) -> None:
    with Image.open(PHOTOS / "rocket.jpg") as photo:
        data = encoded(photo.convert("P", palette=Image.Palette.ADAPTIVE), "PNG")
    webp = await drawn(pool, tmp_path, data, Format.WEBP, 2)
    assert len(webp) < len(await drawn(pool, tmp_path, data, Format.PNG, 2)) / 2


def film(frames: list[Image.Image], format: str) -> bytes:
    return encoded(frames[0], format, save_all=True, append_images=frames[1:], duration=100)


async def drawn_film(pool: PixelPool, folder: Path, data: bytes, format: Format) -> bytes:
    (folder / "a").write_bytes(data)
    found = await pool.probe(folder / "a", wait=WAIT)
    rendering = Rendering(found.format, format, found.width, found.height, found.frames)
    await pool.render(folder / "a", folder / "b", rendering, wait=WAIT)
    return (folder / "b").read_bytes()


@pytest.mark.parametrize("format", ["GIF", "PNG"])
async def test_an_animated_graphic_as_webp(pool: PixelPool, tmp_path: Path, format: str) -> None:
    """Stripes of one pixel, whose colours 4:2:0 would mix."""
    frames = []
    for offset in range(3):
        image = Image.new("RGB", (120, 90), "red")
        for x in range(offset, 120, 3):
            ImageDraw.Draw(image).line((x, 0, x, 90), fill="blue")
        frames.append(image)
    data = film([each.convert("P") if format == "GIF" else each for each in frames], format)
    webp = await drawn_film(pool, tmp_path, data, Format.WEBP)
    assert len(webp) <= len(await drawn_film(pool, tmp_path, data, Format(format.lower())))
    seen = Image.open(BytesIO(webp))
    for number, frame in enumerate(frames):
        seen.seek(number)
        assert ImageChops.difference(seen.convert("RGB"), frame).getbbox() is None


async def test_an_animated_photo_as_webp(pool: PixelPool, tmp_path: Path) -> None:
    with Image.open(PHOTOS / "rocket.jpg") as photo:
        photo.thumbnail((300, 300))
        frames = [photo.rotate(turn).convert("P", palette=Image.Palette.ADAPTIVE) for turn in (0, 5, 10)]
    webp = await drawn_film(pool, tmp_path, film(frames, "GIF"), Format.WEBP)
    assert b"VP8L" not in webp
    assert len(webp) < len(await drawn_film(pool, tmp_path, film(frames, "GIF"), Format.GIF)) / 2
