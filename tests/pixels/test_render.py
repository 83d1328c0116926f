import random
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageSequence

from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.failures import RenderFailed
from image_service.pixels.pool.pool import PixelPool
from tests.pixels.conftest import WAIT
from tests.pixels.pictures import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    alike,
    animation,
    corners,
    encoded,
    format_of,
    oriented_jpeg,
    pixel,
    quadrants,
    swapped_profile,
)  # fmt: skip

STILL = (Format.JPG, Format.PNG, Format.GIF, Format.WEBP, Format.AVIF)
METADATA = {"exif", "icc_profile", "xmp", "comment", "XML:com.adobe.xmp", "photoshop", "dpi_"}


async def rendered(
    pool: PixelPool, source: Path, format: Format, width: int, height: int, *, frames: int = 1
) -> Image.Image:
    """The variant, as Pillow sees it."""
    target = source.with_name(f"{width}-{height}.{format}")
    await pool.render(source, target, Rendering(format_of(source), format, width, height, frames), wait=WAIT)
    image = Image.open(BytesIO(target.read_bytes()))
    assert image.get_format_mimetype() == format.media_type
    assert image.size == (width, height)
    image.load()
    return image


def looks_right(image: Image.Image, tolerance: int = 12) -> bool:
    pairs = zip(corners(image), (RED, GREEN, BLUE, WHITE), strict=True)
    return all(alike(seen, wanted, tolerance) for seen, wanted in pairs)


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_variants_are_upright_and_bare(pool: PixelPool, tmp_path: Path, orientation: int) -> None:
    source = oriented_jpeg(tmp_path / "a", orientation)
    for format in (Format.JPG, Format.WEBP, Format.AVIF):
        for size in ((120, 80), (50, 33)):
            image = await rendered(pool, source, format, *size)
            assert looks_right(image)
            assert not METADATA & image.info.keys()
            assert not image.getexif()


@pytest.mark.parametrize("format", STILL)
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (33, 47), (119, 79), (120, 80)])
async def test_the_size_is_exact(pool: PixelPool, tmp_path: Path, format: Format, size: tuple[int, int]) -> None:
    quadrants().save(tmp_path / "a", "PNG")
    await rendered(pool, tmp_path / "a", format, *size)


async def test_a_large_jpeg_shrunk_while_it_is_decoded(pool: PixelPool, tmp_path: Path) -> None:
    quadrants(2003, 1501).save(tmp_path / "a", "JPEG", quality=90)
    for size in ((50, 37), (640, 480), (1920, 1439)):
        assert looks_right(await rendered(pool, tmp_path / "a", Format.JPG, *size))


async def test_a_jpeg_variant_is_quick_to_open(pool: PixelPool, tmp_path: Path) -> None:
    quadrants().save(tmp_path / "a", "JPEG")
    assert "progressive" not in (await rendered(pool, tmp_path / "a", Format.JPG, 60, 40)).info


async def test_a_profile_is_applied_and_dropped(pool: PixelPool, tmp_path: Path) -> None:
    quadrants().save(tmp_path / "a", "JPEG", quality=95, icc_profile=swapped_profile())
    for format in (Format.JPG, Format.WEBP, Format.AVIF):
        image = await rendered(pool, tmp_path / "a", format, 60, 40)
        green, red, blue, white = corners(image)
        assert alike(green, GREEN)
        assert alike(red, RED)
        assert alike(blue, BLUE)
        assert alike(white, WHITE)
        assert "icc_profile" not in image.info


async def test_a_broken_profile_is_ignored(pool: PixelPool, tmp_path: Path) -> None:
    quadrants().save(tmp_path / "a", "JPEG", quality=95, icc_profile=b"not a profile" * 50)
    assert looks_right(await rendered(pool, tmp_path / "a", Format.JPG, 60, 40))


async def test_cmyk_becomes_srgb(pool: PixelPool, tmp_path: Path) -> None:
    quadrants().convert("CMYK").save(tmp_path / "a", "JPEG", quality=95)
    for format in (Format.JPG, Format.WEBP):
        image = await rendered(pool, tmp_path / "a", format, 60, 40)
        assert image.mode == "RGB"
        red, green, blue, white = corners(image)  # print colours are duller: the hue is what must be right
        assert red[0] > 150 > max(red[1:])
        assert green[1] > 100 > max(green[0], green[2])
        assert blue[2] > 100 > blue[0]
        assert alike(white, WHITE)


@pytest.mark.parametrize("format", STILL)
async def test_grey_stays_grey(pool: PixelPool, tmp_path: Path, format: Format) -> None:
    Image.new("L", (120, 80), 100).save(tmp_path / "a", "JPEG", quality=95)
    image = await rendered(pool, tmp_path / "a", format, 60, 40)
    assert alike(pixel(image.convert("RGB"), 30, 20), (100, 100, 100), 3)


async def test_sixteen_bits_become_eight(pool: PixelPool, tmp_path: Path) -> None:
    Image.new("I;16", (120, 80), 0x8080).save(tmp_path / "a", "PNG")
    image = await rendered(pool, tmp_path / "a", Format.PNG, 60, 40)
    assert image.mode == "L"
    assert image.getpixel((30, 20)) == 0x80


def badge() -> Image.Image:
    """An opaque red disc of a square on transparency that is green underneath."""
    image = Image.new("RGBA", (120, 80), (0, 255, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 60, 80))
    return image


@pytest.mark.parametrize("format", [Format.PNG, Format.WEBP, Format.AVIF, Format.GIF])
@pytest.mark.parametrize("mode", ["RGBA", "P"])
async def test_transparency_is_kept(pool: PixelPool, tmp_path: Path, format: Format, mode: str) -> None:
    image = badge() if mode == "RGBA" else badge().quantize(8)
    image.save(tmp_path / "a", "PNG")
    result = (await rendered(pool, tmp_path / "a", format, 60, 40)).convert("RGBA")
    assert alike(pixel(result, 10, 20), (255, 0, 0, 255))
    assert pixel(result, 50, 20)[3] == 0


@pytest.mark.parametrize("colours", [2, 16, 256])
async def test_a_palette_keeps_its_very_colours_at_full_size(pool: PixelPool, tmp_path: Path, colours: int) -> None:
    noise = random.Random(colours)
    tiles = Image.frombytes("P", (40, 30), bytes(noise.randrange(colours) for _ in range(40 * 30)))
    tiles.putpalette(noise.randbytes(3 * colours))
    image = tiles.resize((400, 300), Image.Resampling.NEAREST)
    (tmp_path / "a").write_bytes(encoded(image, "PNG"))
    whole = await rendered(pool, tmp_path / "a", Format.PNG, 400, 300)
    assert whole.convert("RGB").tobytes() == image.convert("RGB").tobytes()
    assert (tmp_path / "400-300.png").stat().st_size < len(encoded(image.convert("RGB"), "PNG"))
    assert (await rendered(pool, tmp_path / "a", Format.PNG, 200, 150)).mode == "P"  # the nearest 256


async def test_what_is_under_transparency_does_not_bleed(pool: PixelPool, tmp_path: Path) -> None:
    badge().save(tmp_path / "a", "PNG")
    image = await rendered(pool, tmp_path / "a", Format.PNG, 7, 5)  # the edge falls within a pixel
    for x in range(7):
        red, green, _, alpha = pixel(image, x, 2)
        assert alpha == 0 or (red > 240 and green < 16)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
async def test_transparency_is_laid_on_white_in_a_jpeg(pool: PixelPool, tmp_path: Path, mode: str) -> None:
    image = badge().quantize(8) if mode == "P" else badge().convert(mode)
    image.save(tmp_path / "a", "PNG")
    result = (await rendered(pool, tmp_path / "a", Format.JPG, 60, 40)).convert("RGB")
    assert alike(pixel(result, 50, 20), WHITE)
    assert not alike(pixel(result, 10, 20), WHITE)


@pytest.mark.parametrize("format", [Format.GIF, Format.WEBP])
@pytest.mark.parametrize("size", [(60, 40), (31, 21)])
async def test_an_animation_keeps_its_frames_and_their_time(
    pool: PixelPool, tmp_path: Path, format: Format, size: tuple[int, int]
) -> None:
    source = animation(tmp_path / "a", frames=4)
    image = await rendered(pool, source, format, *size, frames=4)
    frames, durations = [], []
    for frame in ImageSequence.Iterator(image):
        frame.load()  # Pillow knows a WebP frame's time only then
        durations.append(frame.info["duration"])
        frames.append(frame.convert("RGB"))
    assert durations == [100, 200, 300, 400]
    width, height = size
    for frame, colour in zip(frames, (RED, GREEN, BLUE, WHITE), strict=True):
        for spot in ((0, 0), (width - 1, height - 1)):  # no neighbour has bled into the edges
            assert alike(pixel(frame, *spot), colour, 16)
    with Image.open(source) as original:
        assert image.info["loop"] == original.info["loop"] + (format is Format.WEBP)


async def test_of_an_animation_a_still_shows_the_first_frame(pool: PixelPool, tmp_path: Path) -> None:
    source = animation(tmp_path / "a", frames=4)
    for format in (Format.JPG, Format.AVIF):
        image = await rendered(pool, source, format, 30, 20, frames=4)
        assert alike(pixel(image.convert("RGB"), 15, 10), RED)


async def test_damage_is_never_rendered(pool: PixelPool, tmp_path: Path) -> None:
    data = encoded(Image.effect_noise((200, 150), 80), "PNG")
    (tmp_path / "a").write_bytes(data[: len(data) // 2])
    with pytest.raises(RenderFailed):
        await rendered(pool, tmp_path / "a", Format.PNG, 200, 150)


async def test_a_target_that_cannot_be_written(pool: PixelPool, tmp_path: Path) -> None:
    quadrants().save(tmp_path / "a", "PNG")
    with pytest.raises(RenderFailed):
        await pool.render(
            tmp_path / "a", tmp_path / "none" / "b", Rendering(Format.PNG, Format.PNG, 60, 40, 1), wait=WAIT
        )
