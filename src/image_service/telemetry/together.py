"""Runs work once at a time and shares the result, for requests that need no token."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Together(Generic[Found]):
    def __init__(self, work: Callable[[], Awaitable[Found]]) -> None:
        self._work = work
        self._under_way: asyncio.Task[Found] | None = None

    async def __call__(self) -> Found:
        """Callers during a run share its result. A caller's cancellation does not stop it."""
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(self._run())
        return await asyncio.shield(self._under_way)

    async def _run(self) -> Found:
        return await self._work()
