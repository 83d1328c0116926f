"""The database's two ways, sessions and statements, and their connections. Knows no tables."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from image_service.database import connecting
from image_service.database.direct import Direct, Row, Statement, Transaction
from image_service.database.faults import database_faults
from image_service.database.limits import CHECK_SECONDS, COMMAND_SECONDS, CONNECT_SECONDS
from image_service.database.locks import Lock
from image_service.database.sessions import Sessions
from image_service.telemetry import metrics
from image_service.telemetry.metrics import Way

_ONE = Statement(text("SELECT 1"))


def shared_out(connections: int) -> dict[Way, int]:
    """Sessions get a quarter: each holds its connection for a statement or two, and takes more time in our process
    than in the database. An upload's transaction holds one of the others until its commit is on disk. Of four or more,
    sessions get at least two: a sweep's deletes or a large count must not block other sessions.
    """
    for_sessions = max(connections // 4, min(2, connections // 2))
    return {Way.SESSIONS: for_sessions, Way.STATEMENTS: connections - for_sessions}


class Database:
    """PostgreSQL at `url` (`postgresql+asyncpg://…`) through at most `connections` connections, two or more.

    Sessions of SQLModel (`statement`, `transaction`) are for ordinary use; `Statement`s (`rows`,
    `changes`) for what every request needs. Each way has its own connections. A statement times out after `seconds`;
    closing its connection may take `CLOSE_SECONDS` more.
    """

    def __init__(self, url: str, connections: int, seconds: float = COMMAND_SECONDS) -> None:
        deadlines = {"timeout": min(CONNECT_SECONDS, seconds), "command_timeout": seconds}
        self._options: dict[str, Any] = connecting.options_of(url) | deadlines
        self._limits = shared_out(connections)
        self._sessions = Sessions(url, self._limits[Way.SESSIONS], deadlines)
        self._direct = Direct(self._options, self._limits[Way.STATEMENTS])
        for way, limit in self._limits.items():
            metrics.POOL_SIZE.labels(way).inc(limit)

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """See `Sessions.transaction`."""
        return self._sessions.transaction()

    def statement(self) -> AbstractAsyncContextManager[AsyncSession]:
        """See `Sessions.statement`."""
        return self._sessions.statement()

    def changes(self) -> AbstractAsyncContextManager[Transaction]:
        """See `Direct.changes`."""
        return self._direct.changes()

    def rows(self, statement: Statement, **values: Any) -> Coroutine[Any, Any, list[Row]]:
        """See `Direct.rows`."""
        return self._direct.rows(statement, **values)

    def execute(self, statement: Statement, **values: Any) -> Coroutine[Any, Any, list[Row]]:
        """See `Direct.execute`."""
        return self._direct.execute(statement, **values)

    def raw(self, sql: str, *arguments: object) -> Coroutine[Any, Any, list[Row]]:
        """See `Direct.raw`."""
        return self._direct.raw(sql, *arguments)

    @asynccontextmanager
    async def lock(self, lock: Lock) -> AsyncIterator[bool]:
        """Yields whether this block has the advisory `lock`, exclusive across all replicas.

        Uses an extra connection. If that is lost, so is the lock, and the block continues.
        Raises `DatabaseUnavailable`.
        """
        with database_faults():
            connection = await connecting.connect(**self._options)
        try:
            with database_faults():
                mine: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock)
            yield mine
        finally:
            await connecting.close(connection)

    async def check(self) -> None:
        """Raises `DatabaseUnavailable`, with the reason, unless the database answers now."""
        with database_faults():
            async with asyncio.timeout(CHECK_SECONDS):
                await self._direct.rows(_ONE)

    async def close(self) -> None:
        await self._direct.close()
        await self._sessions.close()
        for way, limit in self._limits.items():
            metrics.POOL_SIZE.labels(way).dec(limit)
        self._limits = {}
