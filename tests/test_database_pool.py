"""The connections of sessions, and those of statements that asyncpg is asked directly."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import func, select, text

from image_service.database.database import Database
from image_service.database.direct import Statement
from image_service.database.limits import WAIT_SECONDS
from image_service.errors import DatabaseUnavailable
from image_service.postgres.embedded import EmbeddedPostgres
from image_service.telemetry import metrics
from image_service.telemetry.metrics import Way
from tests.faults.waiting import until
from tests.processes import DEADLINE

Stranger = Any  # asyncpg's connection; it has no types
BACKEND = Statement(select(func.pg_backend_pid().label("pid")))
SLEEP = Statement(select(func.pg_sleep(60)))


@pytest.fixture
async def database(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    """With one connection for sessions, and one for statements."""
    database = Database(postgres.url, connections=2)
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
    async with database.statement() as session:
        return int((await (await session.connection()).execute(text("SELECT pg_backend_pid()"))).scalar_one())


async def in_a_change(database: Database) -> int:
    async with database.changes() as transaction:
        [row] = await transaction.rows(BACKEND)
        return int(row.pid)


def counted(name: str, *ways: Way) -> float:
    values = (
        metrics.REGISTRY.get_sample_value(f"image_service_database_{name}", {"way": way}) for way in ways or tuple(Way)
    )
    return sum(value or 0 for value in values)


def in_use() -> float:
    return counted("connections_in_use")


async def in_use_are(number: int) -> None:
    """A service of other tests may look for jobs in between, in this process: only for a moment."""
    await until(lambda: in_use() == number, DEADLINE)


@pytest.mark.parametrize(("connections", "for_sessions"), [(2, 1), (3, 1), (4, 2), (8, 2), (12, 3)])
async def test_the_connections_are_shared_out(postgres: EmbeddedPostgres, connections: int, for_sessions: int) -> None:
    """A quarter is for sessions, but two of four; the others are for statements, read or changed alike."""
    database = Database(postgres.url, connections)

    async def used(*ways: Callable[[Database], Awaitable[int]]) -> set[int]:
        return set(await asyncio.gather(*(way(database) for way in ways * 50)))

    sessions, statements = await asyncio.gather(used(by_session), used(directly, in_a_change))
    await database.close()
    assert (len(sessions), len(statements)) == (for_sessions, connections - for_sessions)
    assert not sessions & statements


async def test_each_way_goes_on_while_the_other_is_busy(database: Database) -> None:
    async with database.statement() as session:
        await session.connection()
        await database.check()
        await in_a_change(database)
    async with database.changes():
        await by_session(database)


async def test_whoever_waits_gets_a_turn(database: Database) -> None:
    """One that asks again as soon as it has an answer does not keep another waiting."""
    served = asyncio.Event()

    async def read_on() -> None:
        while not served.is_set():
            await directly(database)

    await directly(database)
    reading = asyncio.create_task(read_on())
    await asyncio.sleep(0)
    assert in_use()  # in the middle of its statement
    try:
        await in_a_change(database)
    finally:
        served.set()
        await reading


@pytest.mark.parametrize("way", [directly, by_session, in_a_change])
async def test_one_that_was_lost_while_it_was_ready_is_replaced(
    database: Database, stranger: Stranger, way: Callable[[Database], Awaitable[int]]
) -> None:
    before = await way(database)
    await stranger.execute("SELECT pg_terminate_backend($1, 5000)", before)  # returns when that process has ended
    await stranger.execute("SELECT 1")  # while this is on its way, the loop hears of the end
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
    await in_use_are(0)
    async with database.changes() as transaction:
        await transaction.rows(BACKEND)
        await in_use_are(1)
        async with database.statement():
            await in_use_are(2)
    await by_session(database)
    await in_use_are(0)


@pytest.mark.parametrize(
    ("lent", "way"), [(Database.statement, Way.SESSIONS), (Database.changes, Way.STATEMENTS)], ids=list(Way)
)
async def test_a_wait_that_is_given_up_is_counted(
    database: Database, lent: Callable[[Database], AbstractAsyncContextManager[object]], way: Way
) -> None:
    async def too_many() -> None:
        async with lent(database), lent(database):
            raise AssertionError("one connection was lent twice")

    names = ("wait_timeouts_total", "wait_seconds_count", "wait_seconds_sum")
    before = {name: counted(name, way) for name in names}
    with pytest.raises(DatabaseUnavailable):
        await too_many()
    grown = {name: counted(name, way) - count for name, count in before.items()}
    assert grown["wait_timeouts_total"] == 1
    assert grown["wait_seconds_count"] >= 2  # a service of other tests may look for jobs meanwhile, in this process
    assert grown["wait_seconds_sum"] >= WAIT_SECONDS
    await in_use_are(0)


async def test_a_server_that_cannot_be_reached_is_no_wait_given_up(tmp_path: Path) -> None:
    database = Database(f"postgresql+asyncpg://postgres@/postgres?host={tmp_path}", connections=2)
    before = counted("wait_timeouts_total")
    for way in (directly, by_session, in_a_change):
        with pytest.raises(DatabaseUnavailable):
            await way(database)
    await database.close()
    assert counted("wait_timeouts_total") == before
    await in_use_are(0)


@pytest.mark.parametrize("way", ["rows", "changes"])
async def test_one_that_did_not_answer_in_time_is_not_handed_on(postgres: EmbeddedPostgres, way: str) -> None:
    database = Database(postgres.url, connections=2, seconds=0.5)

    async def sleep() -> None:
        if way == "rows":
            await database.rows(SLEEP)
        else:
            async with database.changes() as transaction:
                await transaction.rows(SLEEP)

    before = await directly(database)
    with pytest.raises(DatabaseUnavailable):
        await sleep()
    assert await directly(database) != before
    await database.close()


async def test_a_reader_that_gives_up_leaves_the_connection_usable(database: Database, stranger: Stranger) -> None:
    before = await directly(database)
    sleeping = asyncio.create_task(database.rows(SLEEP))
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
