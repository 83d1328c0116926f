"""The part of a GIF that no frame covers is transparent, as browsers show it."""

import struct
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image

from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from tests.api.pictures import decoded, uploaded, url_of
from tests.pixels.conftest import WAIT
from tests.pixels.pictures import alike, encoded, pixel
from tests.pixels.shown import Shown

SIDE = 40  # pixels of the canvas
COLOURS = bytes((255, 0, 0, 0, 160, 0, 0, 0, 255, 255, 255, 255))
STAYS, CLEARED, RESTORED = 1, 2, 3
Frame = tuple[int, int, int, int, int, int]  # left, top, width, height, what becomes of it, colour

WHOLE = (0, 0, SIDE, SIDE)
CASES: dict[str, list[Frame]] = {
    "a still that is trimmed": [(10, 10, 20, 20, STAYS, 0)],
    "two halves": [(0, 0, 20, SIDE, STAYS, 0), (20, 0, 20, SIDE, STAYS, 2)],
    "cleared, then a part": [(*WHOLE, CLEARED, 0), (0, 0, 20, 20, STAYS, 2)],
    "a part cleared": [(*WHOLE, STAYS, 0), (0, 0, 20, 20, CLEARED, 2), (30, 30, 10, 10, STAYS, 1)],
    "the first one restored": [(*WHOLE, RESTORED, 0), (0, 0, 20, 20, STAYS, 2)],
    "restored later": [(*WHOLE, STAYS, 0), (0, 0, 20, 20, RESTORED, 2), (30, 30, 10, 10, STAYS, 1)],
    "cleared, then whole": [(*WHOLE, CLEARED, 0), (*WHOLE, CLEARED, 1)],
}


def gif(frames: list[Frame], *, end: bytes = b";", screen: tuple[int, int] = (SIDE, SIDE)) -> bytes:
    """Without a transparent colour."""
    parts = [b"GIF89a", struct.pack("<HHBBB", *screen, 0x81, 1, 0), COLOURS]
    for left, top, width, height, disposal, colour in frames:
        image = Image.new("P", (width, height), colour)
        image.putpalette(COLOURS)
        saved = encoded(image, "GIF", optimize=False)
        at = saved.index(b",", 13 + (3 << ((saved[10] & 7) + 1)))
        parts.append(bytes((0x21, 0xF9, 4, disposal << 2, 10, 0, 0, 0)))
        parts.append(b"," + struct.pack("<HHHHB", left, top, width, height, 0) + saved[at + 10 : -1])
    return b"".join(parts) + end


def points(image: Image.Image) -> list[tuple[int, ...]]:
    rgba = image.convert("RGBA")
    seen = (pixel(rgba, x, y) for x in (3, 16, 23, 36) for y in (3, 16, 23, 36))
    return [each if each[3] else (0, 0, 0, 0) for each in seen]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("format", [Format.GIF, Format.WEBP])
async def test_as_in_a_browser(pool: PixelPool, chromium: Shown, tmp_path: Path, name: str, format: Format) -> None:
    data = gif(CASES[name])
    (tmp_path / "a").write_bytes(data)
    found = await pool.probe(tmp_path / "a", wait=WAIT)
    assert (found.width, found.height, found.frames, found.end) == (SIDE, SIDE, len(CASES[name]), len(data))
    await pool.render(
        tmp_path / "a", tmp_path / "b", Rendering(Format.GIF, format, SIDE, SIDE, found.frames), wait=WAIT
    )
    variant = (tmp_path / "b").read_bytes()
    for frame in range(found.frames):
        wanted = points(await chromium.frame(data, Format.GIF, frame))
        seen = points(await chromium.frame(variant, format, frame))
        assert all(alike(one, other, 24) for one, other in zip(seen, wanted, strict=True)), (frame, seen, wanted)


@pytest.mark.parametrize("screen", [(640, 480), (1024, 768), (641, 480), (2400, 500), (700, 2060)])
@pytest.mark.parametrize("format", [Format.GIF, Format.WEBP, Format.JPG])
async def test_a_screen_of_any_size_is_believed(
    pool: PixelPool, chromium: Shown, tmp_path: Path, screen: tuple[int, int], format: Format
) -> None:
    """The decoder does not believe some, and takes the first frame's instead."""
    frames: list[Frame] = [(8, 8, 20, 20, STAYS, 0), (600, 440, 40, 40, STAYS, 2)]
    data = gif(frames, screen=screen)
    (tmp_path / "a").write_bytes(data)
    found = await pool.probe(tmp_path / "a", wait=WAIT)
    assert (found.width, found.height, found.frames) == (*screen, 2)
    await pool.render(tmp_path / "a", tmp_path / "b", Rendering(Format.GIF, format, *screen, 2), wait=WAIT)
    variant = (tmp_path / "b").read_bytes()
    for frame in range(1 if format is Format.JPG else 2):
        wanted = (await chromium.frame(data, Format.GIF, frame)).convert("RGBA")
        seen = (await chromium.frame(variant, format, frame)).convert("RGBA")
        assert seen.size == wanted.size == screen
        for place in ((16, 16), (620, 460), (300, 200)):
            one, other = pixel(seen, *place), pixel(wanted, *place)
            is_same = alike(one, other, 24) if other[3] else format is Format.JPG or not one[3]
            assert is_same, (frame, place, one, other)


@pytest.mark.parametrize("size", ["0-0", "240-0"])
async def test_of_more_than_2048_pixels(client: httpx.AsyncClient, size: str) -> None:
    frames: list[Frame] = [(0, 0, 1000, 100, STAYS, 0), (1600, 60, 400, 40, STAYS, 2)]
    uploads = [gif(frames[:1], screen=(2400, 200)), gif(frames, screen=(2400, 200))]
    for count, data in enumerate(uploads, 1):
        image = await uploaded(client, "a.gif", data)
        assert (image["width"], image["height"]) == (2400, 200)
        for format in ("gif", "webp"):
            seen = decoded(await client.get(url_of(image, size, format)))
            scale = seen.width / 2400
            assert getattr(seen, "n_frames", 1) == count
            seen.seek(count - 1)
            seen = seen.convert("RGBA")
            assert alike(pixel(seen, int(500 * scale), int(50 * scale)), (255, 0, 0, 255), 24)
            assert pixel(seen, int(1300 * scale), int(150 * scale))[3] == 0
            assert alike(pixel(seen, int(1800 * scale), int(80 * scale)), (0, 0, 255, 255), 24) is (count == 2)


@pytest.mark.parametrize("screen", [(40, 0), (0, 30)])
async def test_a_screen_with_one_side(
    pool: PixelPool, chromium: Shown, tmp_path: Path, screen: tuple[int, int]
) -> None:
    data = gif([(8, 1, 20, 20, STAYS, 0)], screen=screen)
    (tmp_path / "a").write_bytes(data)
    found = await pool.probe(tmp_path / "a", wait=WAIT)
    assert (found.width, found.height) == (await chromium.frame(data, Format.GIF)).size


@pytest.mark.parametrize("end", [b"", b";", b"junk", b";junk", b",\0\0"])
async def test_whatever_the_end(pool: PixelPool, tmp_path: Path, end: bytes) -> None:
    (tmp_path / "a").write_bytes(gif(CASES["two halves"], end=end))
    found = await pool.probe(tmp_path / "a", wait=WAIT)
    assert found.frames == 2
    for format in (Format.GIF, Format.WEBP):
        await pool.render(tmp_path / "a", tmp_path / "b", Rendering(Format.GIF, format, SIDE, SIDE, 2), wait=WAIT)
        image = Image.open(BytesIO((tmp_path / "b").read_bytes()))
        assert image.n_frames == 2  # type: ignore[attr-defined]
        assert pixel(image.convert("RGBA"), 36, 3)[3] == 0
        image.seek(1)
        assert pixel(image.convert("RGBA"), 36, 3)[3] == 255


async def test_a_still_is_laid_on_white_as_jpeg(pool: PixelPool, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gif(CASES["a still that is trimmed"]))
    await pool.render(tmp_path / "a", tmp_path / "b", Rendering(Format.GIF, Format.JPG, SIDE, SIDE, 1), wait=WAIT)
    image = Image.open(BytesIO((tmp_path / "b").read_bytes())).convert("RGB")
    assert alike(pixel(image, 1, 1), (255, 255, 255))
    assert alike(pixel(image, 20, 20), (255, 0, 0), 20)
