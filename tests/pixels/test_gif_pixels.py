"""A GIF whose pixels end early, although its file does not, is cut short; browsers fail there too."""

from pathlib import Path

import pytest
from playwright.async_api import Error

from image_service.errors import Refusal
from image_service.pixels.limits import Refused
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from tests.hostile.gif import frame, gif, packed, plain
from tests.pixels.conftest import WAIT
from tests.pixels.shown import Shown

SIDE = 40  # pixels
ALL = SIDE * SIDE


def coded(pixels: int, side: int = SIDE) -> bytes:
    return frame(side, side, data=packed(pixels))


SHORT = {
    "one pixel": [coded(1)],
    "half": [coded(ALL // 2)],
    "all but one": [coded(ALL - 1)],
    "the first of two": [coded(ALL - 1), coded(ALL)],
    "a frame in the middle": [coded(ALL), coded(ALL - 1), coded(ALL)],
    "the last": [coded(ALL), coded(ALL), coded(ALL - 1)],
    "a small one among others": [coded(ALL), frame(3, 5, data=plain(14)), coded(ALL)],
    "behind large ones": [coded(4_000_000, 2000), coded(10_000, 100), frame(9, 9, data=plain(80))],
    "a large one": [coded(100, 10), coded(3_999_999, 2000)],
}


@pytest.mark.parametrize("name", SHORT)
async def test_missing_pixels(pool: PixelPool, chromium: Shown, tmp_path: Path, name: str) -> None:
    data = gif(SIDE, SIDE, SHORT[name])
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(Refused) as refused:
        await pool.probe(tmp_path / "a", wait=WAIT)
    assert refused.value.refusal is Refusal.CUT_SHORT
    assert not await shows(chromium, data, len(SHORT[name]))


async def shows(chromium: Shown, data: bytes, frames: int) -> bool:
    """Whether Chromium shows every frame."""
    try:
        for frame in range(frames):
            await chromium.frame(data, Format.GIF, frame)
    except Error:
        return False
    return True


WHOLE = {
    "more pixels than needed": [coded(ALL + 100)],
    "frames of many sizes": [coded(100, 10), frame(3, 50, data=plain(150)), coded(ALL), frame(50, 2, data=plain(100))],
    "many small ones": [frame(side % 7 + 1, 3, data=plain((side % 7 + 1) * 3)) for side in range(400)],
    "a screen of 640 x 480": [frame(640, 480, data=packed(640 * 480))] * 2,
    "many that are too high together": [frame(1, 1000, data=packed(1000))] * 100,
}


@pytest.mark.parametrize("name", WHOLE)
async def test_whole_ones(pool: PixelPool, chromium: Shown, tmp_path: Path, name: str) -> None:
    data = gif(SIDE, SIDE, WHOLE[name])
    (tmp_path / "a").write_bytes(data)
    assert await shows(chromium, data, len(WHOLE[name]))
    assert (await pool.probe(tmp_path / "a", wait=WAIT)).frames == len(WHOLE[name])
