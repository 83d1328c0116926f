"""Colours that a GIF's palette does not have are black, as in browsers."""

import struct
from pathlib import Path

import pytest
from PIL import Image

from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from tests.pixels.conftest import WAIT
from tests.pixels.pictures import alike, encoded, pixel
from tests.pixels.shown import Shown

SIDE = 40  # pixels
COLOURS = bytes((255, 0, 0, 0, 160, 0, 0, 0, 255, 255, 255, 255))
OTHERS = bytes((255, 255, 0, 0, 255, 255, 255, 0, 255, 128, 128, 128))
STAYS, CLEARED = 1, 2


def frame(indices: tuple[int, ...], disposal: int = STAYS, transparent: int | None = None, own: bytes = b"") -> bytes:
    """Vertical bars of these colours."""
    image = Image.new("P", (SIDE, SIDE))
    image.putpalette(bytes(768))
    wide = SIDE // len(indices)
    for at, index in enumerate(indices):
        image.paste(index, (at * wide, 0, (at + 1) * wide, SIDE))
    saved = encoded(image, "GIF", optimize=False)
    pixels = saved[saved.index(b",", 13 + (3 << ((saved[10] & 7) + 1))) + 10 : -1]
    control = bytes((0x21, 0xF9, 4, disposal << 2 | (transparent is not None), 10, 0, transparent or 0, 0))
    return control + b"," + struct.pack("<HHHHB", 0, 0, SIDE, SIDE, 0x81 if own else 0) + own + pixels


CASES = {
    "nothing is transparent": [frame((0, 1, 5, 9))],
    "cleared": [frame((0, 1, 5, 9), CLEARED), frame((2, 3))],
    "a transparent colour": [frame((0, 1, 5, 9), transparent=1)],
    "a transparent colour that is not in the palette": [frame((0, 1, 5, 9), transparent=5)],
    "transparent in the first of two controls": [frame((0, 1, 5, 9), CLEARED, transparent=1)[:8] + frame((0, 1, 5, 9))],
    "palettes of their own": [frame((0, 1, 5, 9), own=OTHERS, transparent=0), frame((3, 2, 9, 5), own=COLOURS)],
    "one of its own, then the screen's": [frame((0, 1, 2, 3) * 2, own=OTHERS), frame((2, 7, 3, 6), CLEARED)],
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("format", [Format.GIF, Format.WEBP])
async def test_as_in_a_browser(pool: PixelPool, chromium: Shown, tmp_path: Path, name: str, format: Format) -> None:
    await is_as_in_a_browser(pool, chromium, tmp_path, CASES[name], format, COLOURS)


@pytest.mark.parametrize("format", [Format.GIF, Format.WEBP])
async def test_without_a_palette(pool: PixelPool, chromium: Shown, tmp_path: Path, format: Format) -> None:
    frames = [frame((0, 1, 5, 9), transparent=5), frame((2, 3), own=OTHERS)]
    await is_as_in_a_browser(pool, chromium, tmp_path, frames[:1], format, b"")
    await is_as_in_a_browser(pool, chromium, tmp_path, frames, format, b"")


async def is_as_in_a_browser(
    pool: PixelPool, chromium: Shown, tmp_path: Path, frames: list[bytes], format: Format, palette: bytes
) -> None:
    screen = struct.pack("<HHBBB", SIDE, SIDE, 0x81 if palette else 0, 0, 0)
    data = b"GIF89a" + screen + palette + b"".join(frames) + b";"
    (tmp_path / "a").write_bytes(data)
    found = await pool.probe(tmp_path / "a", wait=WAIT)
    assert (found.frames, found.end) == (len(frames), len(data))
    await pool.render(
        tmp_path / "a", tmp_path / "b", Rendering(found.format, format, SIDE, SIDE, found.frames), wait=WAIT
    )
    variant = (tmp_path / "b").read_bytes()
    for number in range(found.frames):
        wanted, seen = (
            points(await chromium.frame(data, Format.GIF, number)),
            points(await chromium.frame(variant, format, number)),
        )
        assert all(alike(one, other, 2) for one, other in zip(seen, wanted, strict=True)), (number, seen, wanted)


def points(image: Image.Image) -> list[tuple[int, ...]]:
    seen = (pixel(image, x, 20) for x in (2, 7, 12, 17, 22, 27, 32, 37))
    return [each if each[3] else (0, 0, 0, 0) for each in seen]
