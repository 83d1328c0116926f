"""Keys, each reserved in the database before any bytes are stored under it.

If a crash prevents a blob's row, its reservation stays: the sweep finds the blob without listing the blob store. An
upload's transaction deletes its reservation; if that is gone, the upload must not use the key.
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
FRESH_FOR = timedelta(hours=1)  # far below the day after which the sweep takes them


class Reservations:
    """The keys of one process. A crash leaves at most a batch of unused keys to the sweep."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._keys: list[str] = []
        self._fresh_until = 0.0
        self._unused: list[str] = []  # reservations to delete with the next batch
        self._reserving = asyncio.Lock()

    async def take(self) -> str:
        """A key for one upload. Raises `DatabaseUnavailable`."""
        while not self._has_fresh():
            async with self._reserving:
                if not self._has_fresh():
                    await self._reserve()
        return self._keys.pop()

    def give_back(self, key: str) -> None:
        """Give up a key without a blob. It is not reused."""
        self._unused.append(key)

    def forget(self) -> None:
        """Drop all keys. One reservation was gone (database restored, machine suspended): others may be too."""
        self._unused += self._keys
        self._keys = []

    async def close(self) -> None:
        """Delete unused reservations. If this fails, the sweep does it later."""
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
