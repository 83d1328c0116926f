"""WebPs and AVIFs where they are taken: what they are, and what is rendered of them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageSequence

from image_service.pixels.limits import Limits, Refused
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import DRAWN, Format
from image_service.pixels.pool.pool import PixelPool
from tests.hostile.avif_boxes import avif, box, coded, grid, picture
from tests.pixels.conftest import WAIT
from tests.pixels.pictures import BLUE, GREEN, RED, WHITE, alike, corners, encoded, pixel, quadrants, swapped_profile
from tests.pixels.shown import Shown
from tests.processes import DEADLINE

BOTH = pytest.mark.parametrize("kind", ["WEBP", "AVIF"])
SHARP: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True}, "AVIF": {"quality": 95, "subsampling": "4:4:4"}}


@pytest.fixture(scope="module")
async def open_pool() -> AsyncIterator[PixelPool]:
    async with PixelPool(1, Limits(formats=tuple(Format)), probe_seconds=DEADLINE, draw_seconds=DEADLINE) as pool:
        yield pool


async def rendered(
    pool: PixelPool, source: Path, format: Format, width: int, height: int, frames: int = 1
) -> Image.Image:
    """What the picture, probed, becomes in full size and another format."""
    probe = await pool.probe(source, wait=WAIT)
    assert (probe.width, probe.height, probe.frames) == (width, height, frames)
    target = source.with_name(f"rendered.{format}")
    await pool.render(source, target, Rendering(probe.format, format, width, height, frames), wait=WAIT)
    image = Image.open(BytesIO(target.read_bytes()))
    assert image.get_format_mimetype() == format.media_type
    assert image.size == (width, height)
    assert not {"exif", "icc_profile", "xmp"} & image.info.keys()
    return image


def is_right(image: Image.Image) -> bool:
    pairs = zip(corners(image), (RED, GREEN, BLUE, WHITE), strict=True)
    return all(alike(seen, wanted, 16) for seen, wanted in pairs)


@BOTH
@pytest.mark.parametrize("format", DRAWN)
async def test_it_is_rendered_in_every_format(open_pool: PixelPool, tmp_path: Path, kind: str, format: Format) -> None:
    quadrants().save(tmp_path / "a", kind, **SHARP[kind])
    assert is_right(await rendered(open_pool, tmp_path / "a", format, 120, 80))


@BOTH
@pytest.mark.parametrize("orientation", [3, 5, 6, 7, 8])
async def test_it_is_upright(open_pool: PixelPool, tmp_path: Path, kind: str, orientation: int) -> None:
    """By EXIF in a WebP, by properties of the picture in an AVIF, where EXIF counts for nothing."""
    turns = {
        3: Image.Transpose.ROTATE_180,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    quadrants().transpose(turns[orientation]).save(tmp_path / "a", kind, exif=exif, **SHARP[kind])
    assert is_right(await rendered(open_pool, tmp_path / "a", Format.PNG, 120, 80))


@BOTH
async def test_a_profile_is_applied(open_pool: PixelPool, tmp_path: Path, kind: str) -> None:
    quadrants().save(tmp_path / "a", kind, icc_profile=swapped_profile(), **SHARP[kind])
    green, red, blue, white = corners(await rendered(open_pool, tmp_path / "a", Format.PNG, 120, 80))
    assert all(alike(*pair, 16) for pair in ((green, GREEN), (red, RED), (blue, BLUE), (white, WHITE)))


@BOTH
async def test_transparency_is_kept_or_laid_on_white(open_pool: PixelPool, tmp_path: Path, kind: str) -> None:
    image = Image.new("RGBA", (120, 80), (0, 255, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 60, 80))
    image.save(tmp_path / "a", kind, **SHARP[kind])
    for format in (Format.PNG, Format.WEBP, Format.AVIF):
        kept = (await rendered(open_pool, tmp_path / "a", format, 120, 80)).convert("RGBA")
        assert alike(pixel(kept, 20, 40), (255, 0, 0, 255), 16)
        assert pixel(kept, 100, 40)[3] == 0
    flat = await rendered(open_pool, tmp_path / "a", Format.JPG, 120, 80)
    assert alike(pixel(flat, 100, 40), WHITE)


@pytest.mark.parametrize("format", [Format.WEBP, Format.GIF])
async def test_an_animated_webp_stays_animated(open_pool: PixelPool, tmp_path: Path, format: Format) -> None:
    frames = [Image.new("RGB", (60, 40), colour) for colour in (RED, GREEN, BLUE, WHITE)]
    frames[0].save(tmp_path / "a", "WEBP", save_all=True, append_images=frames[1:], duration=[100, 200, 300, 400])
    image = await rendered(open_pool, tmp_path / "a", format, 60, 40, frames=4)
    seen = []
    for frame in ImageSequence.Iterator(image):
        frame.load()
        seen.append((frame.info["duration"], pixel(frame.convert("RGB"), 30, 20)))
    assert [duration for duration, _ in seen] == [100, 200, 300, 400]
    assert all(alike(colour, wanted, 16) for (_, colour), wanted in zip(seen, (RED, GREEN, BLUE, WHITE), strict=True))


async def test_an_animations_profile_is_ignored(open_pool: PixelPool, chromium: Shown, tmp_path: Path) -> None:
    """As in Chromium, in every frame and in a still of the first."""
    frames = [Image.new("RGB", (60, 40), colour) for colour in (RED, GREEN)]
    options: dict[str, Any] = {"lossless": True, "icc_profile": swapped_profile()}
    frames[0].save(tmp_path / "a", "WEBP", save_all=True, append_images=frames[1:], duration=50, **options)
    data = (tmp_path / "a").read_bytes()
    shown = [pixel((await chromium.frame(data, Format.WEBP, each)).convert("RGB"), 30, 20) for each in range(2)]
    image = await rendered(open_pool, tmp_path / "a", Format.WEBP, 60, 40, frames=2)
    colours = [pixel(frame.convert("RGB"), 30, 20) for frame in ImageSequence.Iterator(image)]
    assert all(alike(*pair, 16) for pair in zip(colours, shown, strict=True))
    await open_pool.render(tmp_path / "a", tmp_path / "b", Rendering(Format.WEBP, Format.JPG, 30, 20, 1), wait=WAIT)
    with Image.open(tmp_path / "b") as still:
        assert alike(pixel(still, 15, 10), shown[0], 16)


async def test_an_avif_of_tiles(open_pool: PixelPool, tmp_path: Path) -> None:
    colours = (RED, GREEN, BLUE, WHITE)
    tiles = [coded(encoded(Image.new("RGB", (64, 64), colour), "AVIF", quality=90)) for colour in colours]
    parts = [picture(64, 64, tile, hidden=True) for tile in tiles]
    (tmp_path / "a").write_bytes(avif([grid(2, 2, 120, 128, (2, 3, 4, 5)), *parts]))
    assert is_right(await rendered(open_pool, tmp_path / "a", Format.PNG, 120, 128))


async def test_a_small_picture_beside_an_avif_is_not_rendered(open_pool: PixelPool, tmp_path: Path) -> None:
    large = coded(encoded(quadrants(640, 480), "AVIF", quality=90))
    small = coded(encoded(Image.new("RGB", (64, 48), "black"), "AVIF"))
    thumb = picture(64, 48, small, refers=((b"thmb", (1,)),))
    (tmp_path / "a").write_bytes(avif([picture(640, 480, large), thumb]))
    rendering = Rendering(Format.AVIF, Format.PNG, 48, 36, 1)
    await open_pool.probe(tmp_path / "a", wait=WAIT)
    await open_pool.render(tmp_path / "a", tmp_path / "b", rendering, wait=WAIT)
    with Image.open(tmp_path / "b") as image:
        assert is_right(image)


async def test_a_cropped_avif(open_pool: PixelPool, tmp_path: Path) -> None:
    data = coded(encoded(quadrants(), "AVIF", quality=90, subsampling="4:4:4"))
    middle = box(b"clap", *[number.to_bytes(4, "big") for number in (60, 1, 40, 1, 0, 1, 0, 1)])
    (tmp_path / "a").write_bytes(avif([picture(120, 80, data, middle)]))
    assert is_right(await rendered(open_pool, tmp_path / "a", Format.PNG, 60, 40))


@BOTH
async def test_the_limits_are_the_same(tmp_path: Path, kind: str) -> None:
    quadrants().save(tmp_path / "a", kind)
    for limits, refused in ((Limits(side=119), "too_wide_or_high"), (Limits(pixels=9_599), "too_many_pixels")):
        taking_all = replace(limits, formats=tuple(Format))
        async with PixelPool(1, taking_all, probe_seconds=DEADLINE, draw_seconds=DEADLINE) as pool:
            with pytest.raises(Refused, match=refused):
                await pool.probe(tmp_path / "a", wait=WAIT)


def with_flags(webp: bytes, clear: int) -> bytes:
    """An extended WebP without these flags of its canvas."""
    assert webp[12:16] == b"VP8X"
    return webp[:20] + bytes([webp[20] & ~clear]) + webp[21:]


async def test_alpha_that_the_canvas_denies_is_kept(open_pool: PixelPool, tmp_path: Path) -> None:
    """In a lossless WebP, as in Chromium."""
    image = Image.new("RGBA", (120, 80), (255, 0, 0, 255))
    image.paste((0, 255, 0, 0), (0, 0, 60, 80))
    whole = encoded(image, "WEBP", lossless=True, exif=b"MM\0*", icc_profile=swapped_profile())
    (tmp_path / "a").write_bytes(with_flags(whole, 0x10 | 0x20 | 0x08))
    await rendered(open_pool, tmp_path / "a", Format.PNG, 120, 80)
    for size in ((120, 80), (60, 40)):
        await open_pool.render(tmp_path / "a", tmp_path / "b", Rendering(Format.WEBP, Format.PNG, *size, 1), wait=WAIT)
        with Image.open(tmp_path / "b") as shown:
            assert pixel(shown.convert("RGBA"), 5, 5)[3] == 0
            assert pixel(shown.convert("RGBA"), size[0] - 5, 5) == (255, 0, 0, 255)
