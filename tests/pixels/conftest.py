import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from image_service.pixels.limits import Limits
from image_service.pixels.pool.pool import PixelPool
from tests.pixels.shown import Shown, shown_by_chromium
from tests.processes import DEADLINE

WAIT = DEADLINE  # seconds; no test here is about a full pool unless it says so


@pytest.fixture(scope="session")
async def pool() -> AsyncIterator[PixelPool]:
    """Real processes. Nothing in this folder decodes hostile bytes in the test's own process."""
    async with PixelPool(2, Limits(), probe_seconds=DEADLINE, draw_seconds=DEADLINE) as pool:
        yield pool


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Shown]:
    async with shown_by_chromium() as shown:
        yield shown


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What stand-ins are given: a file names what it makes them do."""
    for name in (
        "good",
        "hang",
        "begin-and-hang",
        "begin-and-wait",
        "die",
        "starve",
        "exit",
        "flood",
        "stuff",
        "chatter",
    ):
        (tmp_path / name).write_bytes(b"xx")
    os.mkfifo(tmp_path / "begun")
    os.mkfifo(tmp_path / "go-on")
    return tmp_path
