"""Wrong credentials, counted by the address that they come from.

Whoever presents right ones is let in, whatever others behind the same address do: shops share theirs. So every token
is looked up; but an address that has failed too often has its lookups done few at a time, and its failures answered
429. In this process alone: with several, an address has as many times the limit.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

ADDRESSES = 10_000  # remembered, some 2 MB; the one that failed longest ago is forgotten first
LOOKUPS_AT_ONCE = 2  # of all addresses over their limit: they leave the database to the others
_HOME = 64  # bits of an IPv6 address that one household has: the rest is its own to choose


class FailedCredentials:
    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = per_minute
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how full, and when it was
        self._few = asyncio.Semaphore(LOOKUPS_AT_ONCE)

    @asynccontextmanager
    async def lookup(self, address: str) -> AsyncIterator[None]:
        """Around asking the database for a token."""
        if self._level(_home(address)) + 1 <= self._most:
            yield
            return
        async with self._few:
            yield

    def count(self, address: str) -> int | None:
        """One more failure. None: it was within the limit; else the seconds until one more will be."""
        home = _home(address)
        level = self._level(home)
        if level + 1 > self._most:
            return math.ceil((level + 1 - self._most) * 60 / self._most)
        self._levels[home] = (level + 1, self._clock())
        self._levels.move_to_end(home)
        if len(self._levels) > ADDRESSES:
            self._levels.popitem(last=False)
        return None

    def _level(self, home: str) -> float:
        level, at = self._levels.get(home, (0.0, 0.0))
        return max(0.0, level - (self._clock() - at) * self._most / 60)


@lru_cache(1024)
def _home(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Address(int(parsed) >> (128 - _HOME) << (128 - _HOME)))
    return address
