"""What a large picture has taken, a pixel process gives back."""

import re
import sys
from pathlib import Path

import pytest

from image_service.pixels.limits import Limits
from image_service.pixels.messages import Drawing
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from tests.hostile.gif import frame, gif, packed
from tests.hostile.trial import forget_peak, peak_memory
from tests.pixels.conftest import WAIT
from tests.pixels.workers import SEEN
from tests.processes import DEADLINE

SIDE, FRAMES = 300, 120
MUCH, LITTLE = 150_000, 70_000  # kB; it starts with some 30,000


@pytest.mark.skipif(sys.platform != "linux", reason="/proc, glibc")
async def test_memory_is_given_back(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(gif(SIDE, SIDE, [frame(SIDE, SIDE, data=packed(SIDE * SIDE))] * FRAMES))
    drawing = Drawing(Format.GIF, Format.WEBP, SIDE // 2, SIDE // 2, FRAMES)
    async with PixelPool(1, Limits(), probe_seconds=DEADLINE, draw_seconds=DEADLINE, command=SEEN) as pool:
        [pid] = pool.pids
        forget_peak(pid)
        await pool.render(source, tmp_path / "target", drawing, wait=WAIT)
        assert peak_memory(pid) > MUCH
        # It answers first, and takes another job when it has done so.
        source.write_bytes(gif(16, 16, [frame(16, 16)]))
        await pool.probe(source, wait=WAIT)
        assert resident(pid) < LITTLE


def resident(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1])
