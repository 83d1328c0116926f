"""A pool of stand-ins for pixel processes, and what they wait for."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from image_service.pixels.limits import Limits
from image_service.pixels.pool.pool import PixelPool

FAKE = Path(__file__).with_name("fake_worker.py")
LONG, SHORT = 60.0, 0.2  # seconds: never reached here; reached on purpose


@asynccontextmanager
async def fakes(folder: Path, processes: int = 1, seconds: float = LONG) -> AsyncIterator[PixelPool]:
    """A pool of stand-ins, that start unless there is a file `broken`, and take jobs unless there is one `deaf`."""
    command = (sys.executable, "-I", str(FAKE), str(folder / "broken"))
    async with PixelPool(processes, Limits(), seconds, seconds, command) as pool:
        yield pool


async def begun(folder: Path) -> None:
    """Returns once a process has begun with its job."""
    await asyncio.to_thread((folder / "begun").read_text)


async def go_on(folder: Path) -> None:
    await asyncio.to_thread((folder / "go-on").write_text, "go on")
