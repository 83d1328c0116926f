"""Statements over an asyncpg pool: the hot reads, and the write of an image.

A statement is compiled from the SQLModel tables once, at import. A session takes several times the CPU time of such
a statement.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import asyncpg
from sqlalchemy import bindparam, text
from sqlalchemy.sql import ClauseElement

from image_service.database import connecting
from image_service.database.connecting import DIALECT
from image_service.database.faults import DRIVER_FAULTS, LOST, database_faults
from image_service.database.limits import CLOSE_SECONDS, WAIT_SECONDS
from image_service.errors import ImageServiceError
from image_service.telemetry import metrics
from image_service.telemetry.metrics import Way


class Row(asyncpg.Record):
    """A record whose columns are attributes too, as in a table's row."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Statement:
    """SQL for asyncpg and the order of its `bindparam`s, compiled once."""

    def __init__(self, statement: ClauseElement) -> None:
        compiled: Any = statement.compile(dialect=DIALECT)
        self.sql = str(compiled)
        self._names: list[str] = compiled.positiontup or []
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}

    def arguments(self, values: dict[str, Any]) -> list[Any]:
        return [values[name] if name in values else self._fixed[name] for name in self._names]


def statement_of(sql: str, **types: Any) -> Statement:
    """A statement written as SQL, with the `types` of its `:parameters`."""
    return Statement(text(sql).bindparams(*(bindparam(name, type_=kind) for name, kind in types.items())))


class Transaction:
    """See `Direct.changes`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.is_void = False

    async def rows(self, statement: Statement, **values: Any) -> list[Row]:
        """Run it. A violated constraint raises asyncpg's own `IntegrityConstraintViolationError`."""
        found: list[Row] = await self._connection.fetch(statement.sql, *statement.arguments(values))
        return found

    def void(self) -> None:
        """Roll back at the end instead of committing."""
        self.is_void = True


class Direct:
    """At most `connections`, each opened when first needed: the database may be down at construction.

    A connection found lost before anything was done on it is replaced once. One that may be in a transaction, or has
    timed out, is closed. Callers get connections in first-in, first-out order.
    """

    def __init__(self, options: dict[str, Any], connections: int) -> None:
        """`options`: asyncpg's connect options."""
        self._free = asyncio.Semaphore(connections)
        self._in_use = metrics.POOL_IN_USE.labels(Way.STATEMENTS)
        self._waited = metrics.POOL_WAIT_SECONDS.labels(Way.STATEMENTS)
        self._pool: Any = asyncpg.create_pool(
            connect=partial(connecting.connect, **options),
            min_size=0,
            max_size=connections,
            max_queries=2**63,  # no limit: connections do not wear out
            max_inactive_connection_lifetime=0,  # no limit, and no timer with each use
            reset=_nothing_to_reset,
            record_class=Row,
        )

    async def rows(self, statement: Statement, **values: Any) -> list[Row]:
        """Run a read-only statement; retried once if the connection is lost.

        Raises `DatabaseUnavailable`.
        """
        arguments = statement.arguments(values)
        with database_faults():
            try:
                return await self._fetch(statement.sql, arguments)
            except LOST:
                return await self._fetch(statement.sql, arguments)

    async def execute(self, statement: Statement, **values: Any) -> list[Row]:
        """Run a statement that may write, in a third of a transaction's round trips; not retried.

        Raises `DatabaseUnavailable`.
        """
        return await self.raw(statement.sql, *statement.arguments(values))

    async def raw(self, sql: str, *arguments: object) -> list[Row]:
        """Run a library's own SQL, which may write; not retried. Raises `DatabaseUnavailable`."""
        with database_faults():
            return await self._fetch(sql, list(arguments))

    @asynccontextmanager
    async def changes(self) -> AsyncIterator[Transaction]:
        """One transaction, committed when the block ends. An error of ours or of the database's in the block rolls it
        back; any other error closes the connection, which does the same.

        Raises `DatabaseUnavailable` if the database cannot be reached, or was lost before it confirmed the commit:
        the outcome is then unknown.
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
                await pool.close()  # aborts connections that do not close in time

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
                pool = await self._pool  # the first use initializes it, without waiting
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
        """Release after a cancelled statement: waits until the server has ended it, or aborts the connection."""
        with suppress(*DRIVER_FAULTS):
            await self._pool.release(connection, timeout=CLOSE_SECONDS)


async def _nothing_to_reset(_connection: object) -> None:
    """No statement changes its connection's settings, listens, or locks beyond its transaction."""
