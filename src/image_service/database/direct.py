"""Statements over a pool of asyncpg's: the hot reads, and the write of an image.

A statement is made of the SQLModel tables once, when its module is imported. A session costs several times the
processor time of such a statement.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import asyncpg
from sqlalchemy.sql import ClauseElement

from image_service.database import connecting
from image_service.database.connecting import DIALECT
from image_service.database.faults import DRIVER_FAULTS, LOST, database_faults
from image_service.database.limits import CLOSE_SECONDS, WAIT_SECONDS
from image_service.errors import ImageServiceError
from image_service.telemetry import metrics
from image_service.telemetry.metrics import Way


class Row(asyncpg.Record):
    """A record whose columns are attributes too, as those of a table's row are."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Statement:
    """What asyncpg is asked: its text and the order of its `bindparam`s, put together once, not each time."""

    def __init__(self, statement: ClauseElement) -> None:
        compiled: Any = statement.compile(dialect=DIALECT)
        self.sql = str(compiled)
        self._names: list[str] = compiled.positiontup or []
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}

    def arguments(self, values: dict[str, Any]) -> list[Any]:
        return [values[name] if name in values else self._fixed[name] for name in self._names]


class Transaction:
    """See `Direct.changes`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.is_void = False

    async def rows(self, statement: Statement, **values: Any) -> list[Row]:
        """What it returns. Breaking a constraint raises asyncpg's own `IntegrityConstraintViolationError`."""
        found: list[Row] = await self._connection.fetch(statement.sql, *statement.arguments(values))
        return found

    def void(self) -> None:
        """Nothing of it shall stay: at its end it is rolled back."""
        self.is_void = True


class Direct:
    """At most `connections`, each made when it is first needed: the database may be away when this is made.

    A connection that turns out to be lost before anything was done on it is replaced once. One that may be in a
    transaction, or has not answered in time, is closed. Callers get connections in the order in which they asked.
    """

    def __init__(self, options: dict[str, Any], connections: int) -> None:
        """`options`: what asyncpg is told to connect."""
        self._free = asyncio.Semaphore(connections)
        self._in_use = metrics.POOL_IN_USE.labels(Way.STATEMENTS)
        self._waited = metrics.POOL_WAIT_SECONDS.labels(Way.STATEMENTS)
        self._pool: Any = asyncpg.create_pool(
            connect=partial(connecting.connect, **options),
            min_size=0,
            max_size=connections,
            max_queries=2**63,  # a connection is as good as new after any number
            max_inactive_connection_lifetime=0,  # no limit, and no timer with each use
            reset=_nothing_to_reset,
            record_class=Row,
        )

    async def rows(self, statement: Statement, **values: Any) -> list[Row]:
        """What a statement that only reads finds: if its connection is lost, it is asked twice.

        Raises `DatabaseUnavailable`.
        """
        arguments = statement.arguments(values)
        with database_faults():
            try:
                return await self._fetch(statement.sql, arguments)
            except LOST:
                return await self._fetch(statement.sql, arguments)

    async def raw(self, sql: str, *arguments: object) -> list[Row]:
        """One statement in a library's own words, which may write; asked once. Raises `DatabaseUnavailable`."""
        with database_faults():
            return await self._fetch(sql, list(arguments))

    @asynccontextmanager
    async def changes(self) -> AsyncIterator[Transaction]:
        """One transaction, committed when the block ends. A block that raises an error of ours or of the database's
        rolls it back; after any other its connection is closed, which does the same.

        Raises `DatabaseUnavailable` when the database cannot be asked, or was lost before it said that it had
        committed: the caller must then assume either.
        """
        with database_faults():
            try:
                connection, begun = await self._begin()
            except LOST:
                connection, begun = await self._begin()
            transaction, end = Transaction(connection), connecting.close
            try:
                try:
                    yield transaction
                except (ImageServiceError, asyncpg.PostgresError):
                    await begun.rollback()
                    end = self._pool.release
                    raise
                await (begun.rollback() if transaction.is_void else begun.commit())
                end = self._pool.release
            finally:
                await self._give_back(connection, end)

    async def close(self) -> None:
        pool = await self._pool
        with suppress(*DRIVER_FAULTS):
            async with asyncio.timeout(CLOSE_SECONDS):
                await pool.close()  # which cuts the connections that have not ended in time

    async def _begin(self) -> tuple[Any, Any]:
        """A connection, and the transaction begun on it."""
        connection = await self._take()
        begun = connection.transaction()
        try:
            await begun.start()
        except BaseException:
            await self._give_back(connection, connecting.close)
            raise
        return connection, begun

    async def _fetch(self, sql: str, arguments: list[Any]) -> list[Row]:
        connection = await self._take()
        end = connecting.close
        try:
            found: list[Row] = await connection.fetch(sql, *arguments)
            end = self._pool.release
        except (asyncpg.PostgresError, asyncio.CancelledError):
            end = self._release_in_time
            raise
        finally:
            await self._give_back(connection, end)
        return found

    async def _take(self) -> Any:
        since = time.perf_counter()
        try:
            if self._free.locked():
                await self._wait()
            else:
                await self._free.acquire()
            try:
                pool = await self._pool  # at its first use it is made ready, which waits for nothing
                connection = await pool.acquire()
            except BaseException:
                self._free.release()
                raise
        finally:
            self._waited.observe(time.perf_counter() - since)
        self._in_use.inc()
        return connection

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            metrics.POOL_TIMEOUTS.labels(Way.STATEMENTS).inc()
            raise TimeoutError("no connection came free in time") from None

    async def _give_back(self, connection: Any, end: Callable[[Any], Awaitable[None]]) -> None:
        try:
            await end(connection)
        finally:
            self._in_use.dec()
            self._free.release()

    async def _release_in_time(self, connection: Any) -> None:
        """Ends a cancelled statement: the pool waits until the server has let go of it, or cuts the connection."""
        with suppress(*DRIVER_FAULTS):
            await self._pool.release(connection, timeout=CLOSE_SECONDS)


async def _nothing_to_reset(_connection: object) -> None:
    """No statement changes its connection's settings, listens, or locks beyond its transaction."""
