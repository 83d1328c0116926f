"""Work that anybody may ask for without a token: done once at a time, for all who ask meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Together(Generic[Found]):
    def __init__(self, work: Callable[[], Awaitable[Found]]) -> None:
        self._work = work
        self._under_way: asyncio.Task[Found] | None = None

    async def __call__(self) -> Found:
        """Those who come while it is under way get what it finds. It goes on when they leave."""
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(self._run())
        return await asyncio.shield(self._under_way)

    async def _run(self) -> Found:
        return await self._work()
