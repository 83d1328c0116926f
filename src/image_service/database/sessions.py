"""The engine, its pool, and the ways to ask it. Knows no tables.

What every request needs goes to asyncpg directly (`Database.rows`, `Database.changes`), over the same pool: a session
costs a millisecond of processor time a statement, asyncpg a tenth of that. All else is SQLModel's.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.exc import DataError, DBAPIError, DisconnectionError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool
from sqlalchemy.sql import ClauseElement
from sqlmodel.ext.asyncio.session import AsyncSession

from image_service.database.direct import Direct, Pool
from image_service.database.limits import COMMAND_SECONDS, CONNECT_SECONDS
from image_service.errors import DatabaseUnavailable, ImageServiceError
from image_service.telemetry import metrics

POOL_WAIT_SECONDS = 5.0
CHECK_SECONDS = 3.0

# Wrapped by SQLAlchemy, or raised past it while a connection is being made or has just been lost.
_FAULTS = (
    DBAPIError,
    PoolTimeoutError,
    asyncpg_dialect.AsyncAdapt_asyncpg_dbapi.Error,  # a direct read's connection
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server has said that it ends, and the end has not come yet
    OSError,
    TimeoutError,
)
_LOST = (asyncpg.ConnectionDoesNotExistError, asyncpg.InternalClientError)  # the connection was, since its last use
_BUGS = (IntegrityError, DataError, ProgrammingError, asyncpg.DataError)  # the statement is wrong, not the database
# The classes of SQLSTATE (PostgreSQL's manual, appendix A) in which the same statement may go well another time: the
# connection, a standby, credentials, no such database, rollback, resources, locks, operator, system, internal error.
_PASSING = ("08", "25", "28", "3D", "40", "53", "55", "57", "58", "XX")


class Row(asyncpg.Record):
    """A record whose columns are attributes too, as those of a table's row are."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Statement:
    """What asyncpg is asked directly: its text and the order of its `bindparam`s, put together once, not each time.

    A value of JSON is given as its text.
    """

    def __init__(self, statement: ClauseElement) -> None:
        compiled: Any = statement.compile(dialect=asyncpg_dialect.dialect())  # type: ignore[no-untyped-call]
        self.sql = str(compiled)
        self._names: list[str] = compiled.positiontup or []
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}

    def arguments(self, values: dict[str, Any]) -> list[Any]:
        return [values[name] if name in values else self._fixed[name] for name in self._names]


class Transaction:
    """One that asyncpg is told of directly; see `Database.changes`."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self.is_void = False

    async def rows(self, statement: Statement, **values: Any) -> list[Row]:
        """What it returns. Breaking a constraint raises asyncpg's own `IntegrityConstraintViolationError`."""
        found: list[Row] = await self._driver.fetch(statement.sql, *statement.arguments(values), record_class=Row)
        return found

    def void(self) -> None:
        """Nothing of it shall stay: at its end it is rolled back."""
        self.is_void = True


class Database:
    """PostgreSQL at `url` (`postgresql+asyncpg://…`) through at most `connections` connections.

    A server that does not answer a statement within `seconds` is lost. Two seconds more may pass until its connection
    is given up (SQLAlchemy's own limit for a graceful end).
    """

    def __init__(self, url: str, connections: int, seconds: float = COMMAND_SECONDS) -> None:
        self._engine = create_async_engine(
            url,
            poolclass=Pool,
            pool_size=connections,
            max_overflow=0,
            hide_parameters=True,  # what clients sent does not belong in the log
            pool_timeout=POOL_WAIT_SECONDS,
            connect_args={"timeout": min(CONNECT_SECONDS, seconds), "command_timeout": seconds},
        )
        event.listen(self._engine.sync_engine, "checkout", _require_open)
        self._connections = connections
        metrics.POOL_SIZE.inc(connections)
        self._pool = cast(Pool, self._engine.sync_engine.pool)
        self._autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction, committed when the block ends, rolled back when it raises.

        Raises `DatabaseUnavailable` when the database cannot be asked, or was lost before it said that it had
        committed: the caller must then assume either.
        """
        with database_faults():
            async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
                yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """For single statements that only read: each sees one snapshot, and costs one round trip.

        Raises `DatabaseUnavailable`.
        """
        async with self.statement() as session:
            yield session

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[AsyncSession]:
        """For one statement that writes what nothing else depends on: it commits by itself, in its one round trip.

        Raises `DatabaseUnavailable`.
        """
        with database_faults():
            async with AsyncSession(self._autocommit, expire_on_commit=False) as session:
                yield session

    @asynccontextmanager
    async def changes(self) -> AsyncIterator[Transaction]:
        """A transaction as by `transaction`, past SQLAlchemy's own layers.

        A connection that turns out to be lost before anything was asked of it is replaced once.
        """
        with database_faults():
            async with AsyncExitStack() as stack:
                try:
                    driver, begun = await self._begin(stack)
                except _LOST:
                    driver, begun = await self._begin(stack)
                transaction = Transaction(driver)
                try:
                    yield transaction
                except (ImageServiceError, asyncpg.PostgresError):
                    await begun.rollback()
                    raise
                await (begun.rollback() if transaction.is_void else begun.commit())

    async def _begin(self, stack: AsyncExitStack) -> tuple[Any, Any]:
        """A connection of asyncpg's, for as long as `stack` is open, and the transaction begun on it."""
        async with AsyncExitStack() as begins:
            direct = Direct(self._pool)
            driver = await begins.enter_async_context(direct)
            begun = driver.transaction()
            try:
                await begun.start()
            except BaseException:
                direct.give_up()  # asyncpg would take the next one for a part of this
                raise
            stack.push_async_exit(begins.pop_all())
        return driver, begun

    async def rows(self, statement: Statement, **values: Any) -> list[Row]:
        """What a statement that only reads finds, past SQLAlchemy's own layers. Raises `DatabaseUnavailable`.

        A connection that turns out to be lost is replaced once: a read may be asked twice.
        """
        arguments = statement.arguments(values)
        with database_faults():
            try:
                return await self._fetch(statement.sql, arguments)
            except _LOST:
                return await self._fetch(statement.sql, arguments)

    async def _fetch(self, sql: str, arguments: list[Any]) -> list[Row]:
        async with Direct(self._pool) as driver:
            found: list[Row] = await driver.fetch(sql, *arguments, record_class=Row)
            return found

    @asynccontextmanager
    async def lock(self, number: int) -> AsyncIterator[bool]:
        """Whether this block has the advisory lock of that number: one in all processes and replicas can.

        Held by a connection of its own, beside those of the pool: if it is lost, so is the lock, and the block goes on.
        Raises `DatabaseUnavailable`.
        """
        url, options = self._engine.url, {"timeout": CONNECT_SECONDS, "command_timeout": COMMAND_SECONDS}
        engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=options)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(engine.dispose)
            with database_faults():
                connection = await stack.enter_async_context(engine.connect())
                mine = (await connection.execute(text("SELECT pg_try_advisory_lock(:n)"), {"n": number})).scalar_one()
            yield mine

    async def check(self) -> None:
        """Raises `DatabaseUnavailable`, with the reason, unless the database answers now."""
        with database_faults():
            async with asyncio.timeout(CHECK_SECONDS), self._engine.connect() as connection:
                await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self._pool.close_ready()
        await self._engine.dispose()
        metrics.POOL_SIZE.dec(self._connections)
        self._connections = 0


def _require_open(connection: Any, record: ConnectionPoolEntry, proxy: object) -> None:
    """The server may have been restarted since. The driver has heard of that by now: asking the server, as
    SQLAlchemy's own ping does, takes three round trips.
    """
    driver: Any = record.driver_connection
    if driver.is_closed():
        raise DisconnectionError


class database_faults:  # noqa: N801 - reads as the statement that it is
    """Turns what a lost or failing database raises into `DatabaseUnavailable`."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, _FAULTS) and not _is_bug(error):
            raise DatabaseUnavailable(f"{type(error).__name__}: {error}".splitlines()[0][:300]) from error


def _is_bug(error: BaseException) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else error
    sqlstate = getattr(cause, "sqlstate", None)  # None: it was not the server that spoke
    if sqlstate is not None:
        return not sqlstate.startswith(_PASSING)
    return isinstance(error, _BUGS)
