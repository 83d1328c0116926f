"""What a large picture has taken, a pixel process gives back."""

import re
import sys
from pathlib import Path

import pytest

from image_service.pixels.limits import Limits
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from tests.hostile.gif import frame, gif, packed
from tests.hostile.trial import forget_peak, peak_memory
from tests.pixels.conftest import WAIT
from tests.pixels.workers import SEEN
from tests.processes import DEADLINE

SIDE, FRAMES = 320, 400
MUCH, LITTLE = 150_000, 70_000  # kB; it starts with some 30,000


@pytest.mark.skipif(sys.platform != "linux", reason="/proc, glibc")
async def test_memory_is_given_back(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(gif(SIDE, SIDE, [frame(SIDE, SIDE, data=packed(SIDE * SIDE))] * FRAMES))
    rendering = Rendering(Format.GIF, Format.WEBP, SIDE - 1, SIDE - 1, FRAMES)  # all of which are held
    async with PixelPool(1, Limits(), probe_seconds=DEADLINE, draw_seconds=DEADLINE, command=SEEN) as pool:
        [pid] = pool.pids
        forget_peak(pid)
        await pool.render(source, tmp_path / "target", rendering, wait=WAIT)
        assert peak_memory(pid) > MUCH
        # It answers first, and takes another job when it has done so.
        source.write_bytes(gif(16, 16, [frame(16, 16)]))
        await pool.probe(source, wait=WAIT)
        assert resident(pid) < LITTLE


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
@pytest.mark.parametrize(("side", "most"), [(1_000, 120_000), (400, 150_000)], ids=["as it is", "resized"])
async def test_an_animation_of_a_hundred_megapixels_is_read_frame_by_frame(
    tmp_path: Path, side: int, most: int
) -> None:
    source = tmp_path / "source"
    source.write_bytes(gif(1_000, 1_000, [frame(1_000, 1_000, data=packed(1_000 * 1_000))] * 100))
    async with PixelPool(1, Limits(), probe_seconds=DEADLINE, draw_seconds=DEADLINE, command=SEEN) as pool:
        [pid] = pool.pids
        forget_peak(pid)
        assert (await pool.probe(source, wait=WAIT)).frames == 100
        rendering = Rendering(Format.GIF, Format.WEBP, side, side, 100)
        await pool.render(source, tmp_path / "target", rendering, wait=WAIT)
        assert peak_memory(pid) < most  # all frames are 400,000


def resident(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1])
