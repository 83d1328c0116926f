"""For what another process, or the service in this one, does by itself."""

import asyncio
from collections.abc import Callable


async def until(is_so: Callable[[], bool], seconds: float) -> None:
    """Raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110 - there is no event to await
            await asyncio.sleep(0.01)
