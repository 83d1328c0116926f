"""Keys, each reserved in the database before any bytes are stored under it.

Bytes whose row never came, because something crashed in between, are known by their reservation: the sweep finds
them without listing the blob store. An upload's transaction deletes its reservation; if that is gone, so is the
upload's right to the key.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from image_service.database.database import Database
from image_service.database.direct import Statement
from image_service.database.limits import CLOSE_SECONDS
from image_service.errors import DatabaseUnavailable
from image_service.images.models import ReservationRow
from image_service.storage.names import new_key

BATCH = 100  # keys: 3.4 ms for all of them
FRESH_FOR = timedelta(hours=1)  # far from the day after which the sweep takes a reservation


class Reservations:
    """The keys of one process. One that crashes leaves at most a batch of unused ones to the sweep."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._keys: list[str] = []
        self._fresh_until = 0.0
        self._unused: list[str] = []  # whose reservations are deleted with the next batch
        self._reserving = asyncio.Lock()

    async def take(self) -> str:
        """A key for one upload. Raises `DatabaseUnavailable`."""
        while not self._has_fresh():
            async with self._reserving:
                if not self._has_fresh():
                    await self._reserve()
        return self._keys.pop()

    def give_back(self, key: str) -> None:
        """Nothing is stored under it. It is not used again."""
        self._unused.append(key)

    def forget(self) -> None:
        """One of them was gone: the database was restored, or the machine stood still. The others may be gone too."""
        self._unused += self._keys
        self._keys = []

    async def close(self) -> None:
        """Delete those that were not used. If this fails, the sweep does it later."""
        self.forget()
        if self._unused:
            with suppress(DatabaseUnavailable, TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._replace([])

    def _has_fresh(self) -> bool:
        if self._clock() >= self._fresh_until:
            self.forget()
        return bool(self._keys)

    async def _reserve(self) -> None:
        since, keys = self._clock(), [new_key() for _ in range(BATCH)]
        await self._replace(keys)
        self._keys, self._fresh_until = keys, since + FRESH_FOR.total_seconds()

    async def _replace(self, keys: list[str]) -> None:
        """Reserve these, and give up the unused ones."""
        unused = self._unused[:]
        async with self._database.changes() as transaction:
            await transaction.rows(_REPLACE, unused=list(map(UUID, unused)), reserved=list(map(UUID, keys)))
        del self._unused[: len(unused)]


_GIVEN_UP = delete(ReservationRow).where(col(ReservationRow.key) == func.any(bindparam("unused", type_=ARRAY(Uuid))))
_REPLACE = Statement(
    insert(ReservationRow)
    .from_select(["key"], select(func.unnest(bindparam("reserved", type_=ARRAY(Uuid)))))
    .add_cte(_GIVEN_UP.cte("given_up"))
)
