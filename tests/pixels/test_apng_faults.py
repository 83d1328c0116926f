"""An animated PNG with faults is shown as in Chromium, or refused if Chromium does not show it."""

import struct
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Error

from image_service.errors import Refusal
from image_service.pixels.limits import Refused
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from tests.pixels.conftest import WAIT
from tests.pixels.pictures import chunk, pixel
from tests.pixels.shown import Shown
from tests.pixels.test_apng import BLUE, GREEN, RED, SIDE, rows

WHOLE = (SIDE, SIDE, 0, 0)


class Film:
    """An APNG, chunk by chunk."""

    def __init__(self, declared: int, *, control: bytes | None = None) -> None:
        self.data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 6, 0, 0, 0))
        self.data += control if control is not None else chunk(b"acTL", struct.pack(">II", declared, 0))
        self._sequence = 0

    def frame(self, size: tuple[int, int, int, int] = WHOLE, *, damaged: bool = False) -> "Film":
        return self._add(b"fcTL", struct.pack(">IIIIIHHBB", self._next(), *size, 1, 10, 0, 0), damaged)

    def first(self, colour: tuple[int, ...]) -> "Film":
        return self._add(b"IDAT", rows(SIDE, SIDE, colour), damaged=False)

    def pixels(self, colour: tuple[int, ...], *, damaged: bool = False, changed: bytes | None = None) -> "Film":
        return self._add(b"fdAT", struct.pack(">I", self._next()) + (changed or rows(SIDE, SIDE, colour)), damaged)

    def end(self) -> bytes:
        return self.data + chunk(b"IEND", b"")

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence - 1

    def _add(self, kind: bytes, body: bytes, damaged: bool) -> "Film":
        added = chunk(kind, body)
        self.data += added[:-1] + bytes([added[-1] ^ damaged])
        return self


def misdeclared() -> bytes:
    return chunk(b"acTL", struct.pack(">II", 2, 0))[:-1] + b"x"


SHOWN = {
    "a wrong sum of pixels": Film(3).frame().first(RED).frame().pixels(GREEN, damaged=True).frame().pixels(BLUE),
    "a frame without pixels": Film(3).frame().first(RED).frame((5, 5, 0, 0)).frame().pixels(GREEN),
    "without pixels, at the end": Film(3).frame().first(RED).frame().pixels(GREEN).frame(),
    "two controls for the first": Film(2).frame().frame().first(RED).frame().pixels(GREEN),
    "without pixels, behind a hidden one": Film(2).first(BLUE).frame((5, 5, 0, 0)).frame().pixels(GREEN),
    "a wrong sum of a control": Film(3).frame().first(RED).frame(damaged=True).pixels(GREEN).frame().pixels(BLUE),
    "a wrong sum of acTL": Film(2, control=misdeclared()).frame().first(RED).frame().pixels(GREEN),
}


@pytest.mark.parametrize("name", SHOWN)
async def test_as_in_a_browser(pool: PixelPool, chromium: Shown, tmp_path: Path, name: str) -> None:
    data = SHOWN[name].end()
    (tmp_path / "a").write_bytes(data)
    found = await pool.probe(tmp_path / "a", wait=WAIT)
    assert found.frames == (await chromium.frame(data, Format.PNG)).info["frames"]
    rendering = Rendering(Format.PNG, Format.PNG, SIDE, SIDE, found.frames)
    await pool.render(tmp_path / "a", tmp_path / "b", rendering, wait=WAIT)
    image = Image.open(BytesIO((tmp_path / "b").read_bytes()))
    for frame in range(found.frames):
        image.seek(frame)
        assert pixel(image.convert("RGBA"), 9, 9) == pixel(await chromium.frame(data, Format.PNG, frame), 9, 9)


FLIPPED = rows(SIDE, SIDE, GREEN)[:4] + b"\xff" + rows(SIDE, SIDE, GREEN)[5:]
REFUSED = {
    "small": Film(2).frame((20, 20, 0, 0)).first(RED).frame().pixels(GREEN),
    "beyond the canvas": Film(2).frame((SIDE, SIDE, 5, 0)).first(RED).frame().pixels(GREEN),
    "larger than the canvas": Film(2).frame((SIDE + 1, SIDE, 0, 0)).first(RED).frame().pixels(GREEN),
    "small in a still": Film(0, control=b"").frame((20, 20, 0, 0)).first(RED),
    "damaged pixels": Film(2).frame().first(RED).frame().pixels(GREEN, changed=FLIPPED, damaged=True),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_no_browser_shows(pool: PixelPool, chromium: Shown, tmp_path: Path, name: str) -> None:
    data = REFUSED[name].end()
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(Refused) as refused:
        await pool.probe(tmp_path / "a", wait=WAIT)
    assert refused.value.refusal is Refusal.DAMAGED
    with pytest.raises(Error):
        await chromium.frame(data, Format.PNG, 1)
