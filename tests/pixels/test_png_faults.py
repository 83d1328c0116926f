"""Chunks of a PNG that browsers ignore are ignored; damage to its pixels is not."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from image_service.errors import Refusal
from image_service.pixels.limits import Refused
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from tests.pixels.conftest import WAIT
from tests.pixels.pictures import alike, chunk, pixel
from tests.pixels.shown import Shown

WIDTH, HEIGHT = 30, 20
HEAD = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0))
PALETTE = chunk(b"PLTE", bytes((200, 40, 40, 40, 90, 200)))
PIXELS = zlib.compress((b"\0" + bytes(WIDTH // 2) + b"\1" * (WIDTH // 2)) * HEIGHT)
SIDEWAYS = b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x112, 3, 1, 6, 0, 0)
IDAT, END = chunk(b"IDAT", PIXELS), chunk(b"IEND", b"")


def damaged(whole: bytes) -> bytes:
    return whole[:-1] + bytes([whole[-1] ^ 1])


TRUE_COLOUR = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0))
HALVES = chunk(b"IDAT", zlib.compress((b"\0" + bytes((9, 9, 9)) * 15 + bytes((40, 90, 200)) * 15) * HEIGHT))
SHOWN = {
    "a palette that only suggests": TRUE_COLOUR + PALETTE + chunk(b"tRNS", struct.pack(">HHH", 9, 9, 9)) + HALVES + END,
    "tRNS": HEAD + PALETTE + damaged(chunk(b"tRNS", b"\0\x80")) + IDAT + END,
    "tRNS for more colours": HEAD + PALETTE + chunk(b"tRNS", b"\0\x80\x80") + IDAT + END,
    "gAMA": HEAD + damaged(chunk(b"gAMA", struct.pack(">I", 100_000))) + PALETTE + IDAT + END,
    "cICP": HEAD + damaged(chunk(b"cICP", bytes((12, 13, 0, 1)))) + PALETTE + IDAT + END,
    "eXIf": HEAD + PALETTE + damaged(chunk(b"eXIf", SIDEWAYS)) + IDAT + END,
    "text": HEAD + PALETTE + damaged(chunk(b"tEXt", b"a\0b")) + IDAT + damaged(chunk(b"tEXt", b"a\0b")) + END,
    "a reserved one": HEAD + PALETTE + chunk(b"abcd", b"x") + IDAT + END,
    "the end": HEAD + PALETTE + IDAT + damaged(END),
}


@pytest.mark.parametrize("name", SHOWN)
async def test_what_browsers_ignore(pool: PixelPool, chromium: Shown, tmp_path: Path, name: str) -> None:
    data = SHOWN[name]
    (tmp_path / "a").write_bytes(data)
    found = await pool.probe(tmp_path / "a", wait=WAIT)
    assert (found.width, found.height, found.end) == (WIDTH, HEIGHT, len(data))
    await pool.render(tmp_path / "a", tmp_path / "b", Rendering(Format.PNG, Format.PNG, WIDTH, HEIGHT, 1), wait=WAIT)
    seen, wanted = Image.open(BytesIO((tmp_path / "b").read_bytes())), await chromium.frame(data, Format.PNG)
    assert seen.size == wanted.size
    for x in (3, 25):
        assert alike(pixel(seen.convert("RGBA").convert("RGBa"), x, 5), pixel(wanted.convert("RGBa"), x, 5), 1)


REFUSED = {
    "a wrong palette": HEAD + damaged(PALETTE) + IDAT + END,
    "wrong pixels": HEAD + PALETTE + damaged(IDAT) + END,
    "a reserved chunk among the pixels": HEAD
    + PALETTE
    + chunk(b"IDAT", PIXELS[:9])
    + chunk(b"abcd", b"x")
    + chunk(b"IDAT", PIXELS[9:])
    + END,
}


@pytest.mark.parametrize("name", REFUSED)
async def test_damage(pool: PixelPool, tmp_path: Path, name: str) -> None:
    (tmp_path / "a").write_bytes(REFUSED[name])
    with pytest.raises(Refused) as refused:
        await pool.probe(tmp_path / "a", wait=WAIT)
    assert refused.value.refusal is Refusal.DAMAGED
