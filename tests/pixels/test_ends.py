"""PNGs and GIFs whose end is missing: taken if every pixel, or every frame but the last, is there."""

import random
import struct
from pathlib import Path

import pytest
from PIL import Image, ImageSequence

from image_service.errors import Refusal
from image_service.pixels.limits import Limits, Refused
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from image_service.pixels.structure.walk import read_structure
from tests.pixels.conftest import WAIT
from tests.pixels.pictures import RED, alike, animation, chunk, encoded, pixel

NOISE = Image.frombytes("RGB", (64, 48), random.Random(5).randbytes(64 * 48 * 3))
PNG = encoded(NOISE, "PNG")
IEND, CRC = 12, 4  # bytes
PARTS = PNG.index(b"IDAT") - 4


def in_chunks() -> bytes:
    """The same in IDATs of 1,000 bytes, as cameras and Photoshop write it."""
    pixels = PNG[PARTS + 8 : -IEND - CRC]
    parts = [chunk(b"IDAT", pixels[at : at + 1_000]) for at in range(0, len(pixels), 1_000)]
    return PNG[:PARTS] + b"".join(parts) + PNG[-IEND:]


@pytest.mark.parametrize("whole", [PNG, in_chunks()], ids=["one chunk", "chunks"])
@pytest.mark.parametrize("missing", range(1, IEND + CRC + 1))
async def test_a_png_with_all_its_pixels(pool: PixelPool, tmp_path: Path, whole: bytes, missing: int) -> None:
    data = whole[:-missing]
    path, target = tmp_path / "a", tmp_path / "b"
    path.write_bytes(data)
    probe = await pool.probe(path, wait=WAIT)
    assert (probe.width, probe.height, probe.end) == (64, 48, len(data))
    await pool.render(path, target, Rendering(Format.PNG, Format.PNG, 64, 48, 1), wait=WAIT)
    with Image.open(target) as image:
        assert image.tobytes() == NOISE.tobytes()


@pytest.mark.parametrize("whole", [PNG, in_chunks()], ids=["one chunk", "chunks"])
@pytest.mark.parametrize("missing", [30, 1_100, 5_000])
async def test_a_png_without_them(pool: PixelPool, tmp_path: Path, whole: bytes, missing: int) -> None:
    (tmp_path / "a").write_bytes(whole[:-missing])
    with pytest.raises(Refused, match=Refusal.CUT_SHORT):
        await pool.probe(tmp_path / "a", wait=WAIT)


async def test_what_is_no_chunk_trails_a_png(pool: PixelPool, tmp_path: Path) -> None:
    for tail in (bytes(500), b"PK\x03\x04" * 9):
        (tmp_path / "a").write_bytes(PNG[:-IEND] + tail)
        assert (await pool.probe(tmp_path / "a", wait=WAIT)).end == len(PNG) - IEND


def frame(left: int, top: int, width: int, height: int, control: bytes = b"") -> bytes:
    return control + b"\x2c" + struct.pack("<HHHHB", left, top, width, height, 0) + b"\x02\x02\x44\x01\x00"


CONTROL = b"\x21\xf9\x04\x00\x0a\x00\x00\x00"


@pytest.fixture
def film(tmp_path: Path) -> bytes:
    return animation(tmp_path / "film", frames=4).read_bytes()


@pytest.mark.parametrize("missing", [2, 20])
async def test_a_gif_whose_last_frame_is_cut(pool: PixelPool, tmp_path: Path, film: bytes, missing: int) -> None:
    path, target = tmp_path / "a", tmp_path / "b"
    path.write_bytes(film[:-missing])
    probe = await pool.probe(path, wait=WAIT)
    assert (probe.frames, probe.end) == (3, len(film) - missing)
    await pool.render(path, target, Rendering(Format.GIF, Format.GIF, 30, 20, 3), wait=WAIT)
    with Image.open(target) as image:
        frames = [each.convert("RGB") for each in ImageSequence.Iterator(image)]
    assert len(frames) == 3
    assert alike(pixel(frames[0], 9, 9), RED, 40)


@pytest.mark.parametrize("control", [b"", CONTROL], ids=["bare", "timed"])
@pytest.mark.parametrize("end", [b";", b""], ids=["ended", "open"])
async def test_a_gif_with_frames_of_no_pixels(
    pool: PixelPool, tmp_path: Path, film: bytes, control: bytes, end: bytes
) -> None:
    path = tmp_path / "a"
    path.write_bytes(film[:-1] + frame(0, 0, 0, 0, control) + frame(0, 0, 0, 5, control) + end)
    probe = await pool.probe(path, wait=WAIT)
    assert (probe.frames, probe.width, probe.height, probe.end) == (4, 60, 40, path.stat().st_size)
    await pool.render(path, tmp_path / "b", Rendering(Format.GIF, Format.GIF, 60, 40, 4), wait=WAIT)


def test_a_gif_without_a_whole_frame() -> None:
    head = b"GIF89a" + struct.pack("<HHBBB", 9, 9, 0x80, 0, 0) + bytes(6)
    for data, refusal in (
        (head + CONTROL + frame(0, 0, 9, 9)[:-2], Refusal.CUT_SHORT),
        (head, Refusal.CUT_SHORT),
        (head + frame(0, 0, 0, 9) + b";", Refusal.DAMAGED),
    ):
        with pytest.raises(Refused) as caught:
            read_structure(data, Limits())
        assert caught.value.refusal is refusal
    with pytest.raises(Refused, match="too_many_pixels"):
        read_structure(head + frame(0, 0, 9, 9) + frame(0, 0, 0, 0) * 500 + b";", Limits())
