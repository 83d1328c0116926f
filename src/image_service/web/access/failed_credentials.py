"""Counts wrong credentials by client address.

Right credentials are always accepted, even from an address with many failures: shops share addresses. So every token
is looked up; but an address with too many failures gets few lookups at a time, and 429 for further failures. Each
process counts separately: with several, an address has as many times the limit.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from image_service.edge.client_address import home

ADDRESSES = 10_000  # kept, about 2 MB; the one that failed longest ago is dropped first
LOOKUPS_AT_ONCE = 2  # for all addresses over their limit: leaves the database to the others


class FailedCredentials:
    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = per_minute
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # level and its time
        self._few = asyncio.Semaphore(LOOKUPS_AT_ONCE)

    @asynccontextmanager
    async def lookup(self, address: str) -> AsyncIterator[None]:
        """Use around a token's database lookup."""
        if self._level(home(address)) + 1 <= self._most:
            yield
            return
        async with self._few:
            yield

    def count(self, address: str) -> int | None:
        """Count a failure. None: within the limit; else the seconds until the next one is."""
        whose = home(address)
        level = self._level(whose)
        if level + 1 > self._most:
            return math.ceil((level + 1 - self._most) * 60 / self._most)
        self._levels[whose] = (level + 1, self._clock())
        self._levels.move_to_end(whose)
        if len(self._levels) > ADDRESSES:
            self._levels.popitem(last=False)
        return None

    def _level(self, whose: str) -> float:
        level, at = self._levels.get(whose, (0.0, 0.0))
        return max(0.0, level - (self._clock() - at) * self._most / 60)
