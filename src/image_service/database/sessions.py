"""Sessions of SQLModel over SQLAlchemy's engine and its pool: everything but the hot statements."""

import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel.ext.asyncio.session import AsyncSession

from image_service.database.faults import database_faults
from image_service.database.limits import WAIT_SECONDS
from image_service.telemetry import metrics
from image_service.telemetry.metrics import Way


class Sessions:
    def __init__(self, url: str, connections: int, deadlines: dict[str, float]) -> None:
        """At most `connections`, each opened when first needed. `deadlines`: asyncpg's."""
        self._engine = create_async_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=WAIT_SECONDS,
            hide_parameters=True,  # what clients sent does not belong in the log
            connect_args=deadlines,
        )
        event.listen(self._engine.sync_engine, "checkout", _require_open)
        self._in_use = metrics.POOL_IN_USE.labels(Way.SESSIONS)
        self._waited = metrics.POOL_WAIT_SECONDS.labels(Way.SESSIONS)
        self._autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction, committed when the block ends, rolled back when it raises.

        Raises `DatabaseUnavailable` if the database cannot be reached, or was lost before it confirmed the commit:
        the outcome is then unknown.
        """
        with database_faults(), ExitStack() as uses:
            async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
                await self._connect(session, uses)
                yield session

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[AsyncSession]:
        """For single statements: each commits by itself, in its one round trip, and sees one snapshot.

        Raises `DatabaseUnavailable`.
        """
        with database_faults(), ExitStack() as uses:
            async with AsyncSession(self._autocommit, expire_on_commit=False) as session:
                await self._connect(session, uses)
                yield session

    async def close(self) -> None:
        await self._engine.dispose()

    async def _connect(self, session: AsyncSession, uses: ExitStack) -> None:
        """Take the session's connection now, to measure the wait. Counts it as in use until `uses` ends."""
        since = time.perf_counter()
        try:
            await session.connection()
        except PoolTimeoutError:
            metrics.POOL_TIMEOUTS.labels(Way.SESSIONS).inc()
            raise
        finally:
            self._waited.observe(time.perf_counter() - since)
        self._in_use.inc()
        uses.callback(self._in_use.dec)


def _require_open(connection: Any, record: ConnectionPoolEntry, proxy: object) -> None:
    """Reject a connection that a server restart has closed. The driver knows that already: SQLAlchemy's own ping
    takes three round trips.
    """
    driver: Any = record.driver_connection
    if driver.is_closed():
        raise DisconnectionError
