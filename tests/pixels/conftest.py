from collections.abc import AsyncIterator

import pytest

from image_service.pixels.limits import Limits
from image_service.pixels.pool import PixelPool

WAIT = 30.0  # seconds; no test here is about a full pool unless it says so


@pytest.fixture(scope="session")
async def pool() -> AsyncIterator[PixelPool]:
    """Real processes. Nothing in this folder decodes hostile bytes in the test's own process."""
    async with PixelPool(2, Limits(), probe_seconds=20, draw_seconds=20) as pool:
        yield pool
