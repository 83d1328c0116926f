"""One pool for sessions and for what asks asyncpg directly."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.pool import ConnectionPoolEntry, Pool

from image_service.database.sessions import Database, Statement
from image_service.postgres.embedded import EmbeddedPostgres
from image_service.telemetry import metrics
from tests.processes import DEADLINE

Stranger = Any  # asyncpg's connection; it has no types
BACKEND = Statement(select(func.pg_backend_pid().label("pid")))


@pytest.fixture
async def database(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    """With one connection."""
    database = Database(postgres.url, connections=1)
    yield database
    await database.close()


@pytest.fixture
async def stranger(postgres: EmbeddedPostgres) -> AsyncIterator[Stranger]:
    """A connection past the pool."""
    connection = await connected(postgres)
    yield connection
    await connection.close()


async def connected(postgres: EmbeddedPostgres) -> Stranger:
    return await asyncpg.connect(postgres.url.replace("+asyncpg", ""))


async def directly(database: Database) -> int:
    [row] = await database.rows(BACKEND)
    return int(row.pid)


async def by_session(database: Database) -> int:
    async with database.reading() as session:
        return int((await (await session.connection()).execute(text("SELECT pg_backend_pid()"))).scalar_one())


async def in_a_change(database: Database) -> int:
    async with database.changes() as transaction:
        [row] = await transaction.rows(BACKEND)
        return int(row.pid)


def in_use() -> float | None:
    return metrics.REGISTRY.get_sample_value("image_service_database_connections_in_use")


async def test_all_ways_share_the_connections(database: Database) -> None:
    ways = (directly, by_session, in_a_change)
    found = [await way(database) for way in (*ways, *reversed(ways))]
    found += await asyncio.gather(*(way(database) for way in ways * 20))
    assert len(set(found)) == 1


async def test_whoever_waits_gets_a_turn(database: Database) -> None:
    """One that asks again as soon as it has an answer does not keep a session waiting."""
    served = asyncio.Event()

    async def read_on() -> None:
        while not served.is_set():
            await directly(database)

    await directly(database)
    reading = asyncio.create_task(read_on())
    await asyncio.sleep(0)
    assert in_use()  # in the middle of its statement
    try:
        await by_session(database)
    finally:
        served.set()
        await reading


@pytest.fixture
def heard() -> Iterator[asyncio.Event]:
    """Set as soon as asyncpg has heard that a connection was ended."""
    heard = asyncio.Event()

    def listen(_: object, record: ConnectionPoolEntry) -> None:
        driver: Any = record.driver_connection
        driver.add_termination_listener(lambda _: heard.set())

    event.listen(Pool, "connect", listen)
    yield heard
    event.remove(Pool, "connect", listen)


@pytest.mark.parametrize("way", [directly, by_session, in_a_change])
async def test_one_that_was_lost_while_it_was_ready_is_replaced(
    heard: asyncio.Event, database: Database, stranger: Stranger, way: Callable[[Database], Awaitable[int]]
) -> None:
    before = await directly(database)
    await stranger.execute("SELECT pg_terminate_backend($1, 5000)", before)
    async with asyncio.timeout(DEADLINE):
        await heard.wait()
    assert await way(database) != before


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("way", [directly, in_a_change])
async def test_one_whose_end_has_not_been_heard_of_is_replaced(
    postgres: EmbeddedPostgres, database: Database, way: Callable[[Database], Awaitable[int]], turns: int
) -> None:
    async def end(pid: int) -> None:
        stranger = await connected(postgres)
        await stranger.execute("SELECT pg_terminate_backend($1, 5000)", pid)
        await stranger.close()

    before = await directly(database)
    with ThreadPoolExecutor() as elsewhere:
        elsewhere.submit(asyncio.run, end(before)).result()  # this loop stands still meanwhile, and hears nothing
    for _ in range(turns):
        await asyncio.sleep(0)
    assert await way(database) != before


async def test_what_is_ready_is_not_in_use(database: Database) -> None:
    await directly(database)
    assert in_use() == 0
    async with database.changes() as transaction:
        await transaction.rows(BACKEND)
        assert in_use() == 1
    assert in_use() == 0


async def test_a_reader_that_gives_up_leaves_the_connection_usable(database: Database, stranger: Stranger) -> None:
    before = await directly(database)
    sleeping = asyncio.create_task(database.rows(Statement(select(func.pg_sleep(60)))))
    while not await stranger.fetchval("SELECT query ~ 'pg_sleep' FROM pg_stat_activity WHERE pid = $1", before):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    assert await directly(database) == before


async def test_a_transaction_that_did_not_begin_leaves_nothing_behind(database: Database, stranger: Stranger) -> None:
    """asyncpg would take the next transaction on that connection for a part of it, which nobody commits."""

    async def change() -> None:
        async with database.changes():
            raise AssertionError("it has begun")

    before = await directly(database)
    changing = asyncio.create_task(change())
    await asyncio.sleep(0)
    assert in_use()  # in the middle of its BEGIN
    changing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await changing
    await stranger.execute("CREATE TABLE kept (n integer)")
    try:
        async with database.changes() as transaction:
            await transaction.rows(Statement(text("INSERT INTO kept VALUES (1)")))
        assert await stranger.fetchval("SELECT count(*) FROM kept") == 1
    finally:
        await stranger.execute("DROP TABLE kept")
    assert await directly(database) != before


class Interruption(BaseException):
    """None of those after which `changes` rolls back."""


async def test_a_transaction_that_was_left_open_is_not_handed_on(database: Database) -> None:
    async def leave_open() -> None:
        async with database.changes():
            raise Interruption

    before = await directly(database)
    with pytest.raises(Interruption):
        await leave_open()
    assert await directly(database) != before
