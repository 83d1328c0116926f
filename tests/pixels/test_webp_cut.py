"""A WebP that ends early is cut short, not damaged."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from image_service.errors import Refusal
from image_service.pixels.limits import Limits, Refused
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from tests.hostile.picture import noise
from tests.hostile.webp import GOOD, LOSSLESS, SMALL, animated, chunk, frame, riff
from tests.pixels.conftest import WAIT
from tests.processes import DEADLINE

FILM = animated(16, 16, [frame(16, 16, SMALL)] * 3)


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[PixelPool]:
    async with PixelPool(1, Limits(formats=tuple(Format)), probe_seconds=DEADLINE, draw_seconds=DEADLINE) as pool:
        yield pool


async def refused(pool: PixelPool, folder: Path, data: bytes) -> Refusal:
    (folder / "a").write_bytes(data)
    with pytest.raises(Refused) as caught:
        await pool.probe(folder / "a", wait=WAIT)
    return caught.value.refusal


@pytest.mark.parametrize("data", [GOOD, LOSSLESS, FILM], ids=["lossy", "lossless", "animated"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.99])
async def test_a_cut_file(pool: PixelPool, tmp_path: Path, data: bytes, share: float) -> None:
    assert await refused(pool, tmp_path, data[: int(share * len(data))]) is Refusal.CUT_SHORT


@pytest.mark.parametrize("share", [0.5, 0.8])
async def test_pixels_that_end_early_in_a_whole_file(pool: PixelPool, tmp_path: Path, share: float) -> None:
    pixels = GOOD[20:]
    short = riff(chunk(b"VP8 ", pixels[: int(share * len(pixels))]))
    assert await refused(pool, tmp_path, short) is Refusal.CUT_SHORT


async def test_wrong_bytes_are_damage(pool: PixelPool, tmp_path: Path) -> None:
    assert await refused(pool, tmp_path, riff(chunk(b"VP8L", LOSSLESS[20:25] + noise(900)))) is Refusal.DAMAGED
