"""Work in the queue: written with its change, done at least once, in turns, held when it fails over and over."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from pgqueuer.adapters.persistence.schema_inspect import inspect
from pgqueuer.domain.schema.declaration import target
from pgqueuer.domain.settings import db_settings
from structlog.testing import capture_logs

from image_service.database.database import Database
from image_service.errors import DatabaseUnavailable
from image_service.jobs import upkeep
from image_service.queue import enqueue, runner, state
from image_service.queue.enqueue import Work
from image_service.queue.repository import PoolDriver
from image_service.queue.runner import Pace, Runner
from image_service.queue.task import Again, Task
from tests.broken_log import broken_log
from tests.queue.conftest import QUICK, NewRunner, put
from tests.queue.ledger import SECONDS, Ledger


async def empty(database: Database) -> None:
    """Until the queue holds nothing but what is held."""
    async with asyncio.timeout(SECONDS):
        while True:
            if not await state.rows(database, ["queued", "picked"], 1):
                return
            await asyncio.sleep(0.02)  # the row goes a moment after its handler has returned


async def held(database: Database, count: int = 1) -> Sequence[state.Waiting]:
    async with asyncio.timeout(SECONDS):
        while True:
            if len(rows := await state.rows(database, ["failed"], 100)) == count:
                return rows
            await asyncio.sleep(0.02)


async def test_the_tables_are_pgqueuer_s_but_for_what_we_leave_out(database: Database) -> None:
    """A newer pgqueuer that wants another column fails here, not in someone's service."""
    live = await inspect(PoolDriver(database), db_settings())
    wanted = target(db_settings())
    ours = {"store_id", "lane"}
    for table in wanted.tables:
        if table.name == "pgqueuer_schedules":
            continue
        found = next(each for each in live.tables if each.name == table.name)
        assert {column.name for column in table.columns} == {column.name for column in found.columns} - ours, table.name
        types = {column.name: column.type for column in found.columns}
        assert all(types[column.name] == column.type for column in table.columns), table.name
    assert not list(await database.raw("SELECT 1 FROM pg_trigger WHERE NOT tgisinternal"))


async def test_work_is_done_and_leaves_no_row(database: Database, store_id: int, new_runner: NewRunner) -> None:
    ledger = Ledger(3)
    await put(database, store_id, b"1", b"2", b"3")
    async with new_runner(ledger).running():
        await ledger.wait()
        await empty(database)
    assert sorted(ledger.done) == [b"1", b"2", b"3"]


async def test_a_log_that_fails_has_no_work_held(database: Database, store_id: int, new_runner: NewRunner) -> None:
    ledger = Ledger(3)

    async def handle(task: Task) -> None:
        ledger.note(task)
        if len(ledger.done) < 3:
            raise DatabaseUnavailable("for once") if len(ledger.done) == 1 else RuntimeError("a bug")

    await put(database, store_id, b"1")
    with broken_log():
        async with new_runner(handle).running():
            await ledger.wait()
            await empty(database)
    assert await state.rows(database, ["failed"], 1) == []


async def test_an_outage_is_told_once(tmp_path: Path) -> None:
    away = Database(f"postgresql+asyncpg://nobody@/none?host={tmp_path}", 2)
    with capture_logs() as logged:
        async with Runner(away, {"test": Ledger(1)}, 1, QUICK).running():
            await asyncio.sleep(20 * QUICK.poll)
    await away.close()
    lines = [line["event"] for line in logged if line["log_level"] == "warning"]
    assert lines in (["queue cannot be read"], ["the queue waits for the database"])


async def test_work_goes_with_the_change_that_it_belongs_to(database: Database, store_id: int) -> None:
    async with database.changes() as transaction:
        await enqueue.add(transaction, Work("test", store_id, b"never"))
        transaction.void()
    assert await state.rows(database, ["queued"], 1) == []


async def test_another_try_after_a_pause(database: Database, store_id: int, new_runner: NewRunner) -> None:
    ledger = Ledger(3)

    async def handle(task: Task) -> None:
        ledger.note(task)
        if len(ledger.done) < 3:
            raise Again(0.01, "not yet")

    await put(database, store_id, b"1")
    async with new_runner(handle).running():
        await ledger.wait()
        await empty(database)
    assert ledger.done == [b"1"] * 3


async def test_a_database_that_fails_a_handler_is_tried_again(
    database: Database, store_id: int, new_runner: NewRunner
) -> None:
    """However often: it says nothing of the work."""
    times = runner.BUG_TRIES + 3
    ledger = Ledger(times)

    async def handle(task: Task) -> None:
        ledger.note(task)
        if len(ledger.done) < times:
            raise DatabaseUnavailable("away")

    await put(database, store_id, b"1")
    async with new_runner(handle, pace=Pace(poll=0.02, unavailable=0.01)).running():
        await ledger.wait()
        await empty(database)
    assert await state.rows(database, ["failed"], 1) == []


async def test_a_bug_is_held_and_may_be_tried_again_or_discarded(
    database: Database, store_id: int, new_runner: NewRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "BUG_SECONDS", 0.01)
    ledger = Ledger(2 * runner.BUG_TRIES)

    async def handle(task: Task) -> None:
        ledger.note(task)
        raise ZeroDivisionError("a bug")

    await put(database, store_id, b"1")
    async with new_runner(handle).running():
        [row] = await held(database)
        assert len(ledger.done) == runner.BUG_TRIES
        assert (row.kind, row.store_id, row.reason) == ("test", store_id, "a bug")
        assert (await state.depths(database, ["test"]))["test"].held == 1
        assert await state.retry(database, [row.id, row.id + 1]) == [row.id]
        await ledger.wait()
        [row] = await held(database)
    assert await state.discard(database, [row.id]) == [(row.id, "test", b"1")]
    assert await state.rows(database, ["failed"], 1) == []


async def test_longer_than_the_heartbeat_s_time_out(database: Database, store_id: int, new_runner: NewRunner) -> None:
    """Two workers: the other one would take it if no heartbeat came."""
    begun: list[bytes] = []
    ended = asyncio.Event()

    async def handle(task: Task) -> None:
        begun.append(task.payload)
        await asyncio.sleep(3 * QUICK.heartbeat)  # the time that it is about
        ended.set()

    await put(database, store_id, b"1")
    async with new_runner(handle).running(), new_runner(handle).running(), asyncio.timeout(SECONDS):
        await ended.wait()
        await empty(database)
    assert begun == [b"1"]


async def test_what_a_killed_worker_had_is_done_by_another(
    database: Database, store_id: int, new_runner: NewRunner
) -> None:
    """A row as a worker leaves it that was killed: picked, and no heartbeat comes."""
    ledger = Ledger(1)
    await put(database, store_id, b"1")
    await database.raw(
        "UPDATE pgqueuer SET status = 'picked', queue_manager_id = gen_random_uuid(),"
        " heartbeat = now() - interval '2 seconds'"
    )
    async with new_runner(ledger).running():
        await ledger.wait()
        await empty(database)
    assert ledger.done == [b"1"]


async def test_a_stop_lets_work_end_or_hands_it_back(database: Database, store_id: int, new_runner: NewRunner) -> None:
    begun = asyncio.Event()
    ledger = Ledger(1)

    async def endless(task: Task) -> None:
        begun.set()
        await asyncio.Event().wait()

    await put(database, store_id, b"1")
    async with new_runner(endless).running(), asyncio.timeout(SECONDS):
        await begun.wait()
    [row] = await state.rows(database, ["queued", "picked", "failed"], 2)
    assert row.status == "queued"  # at once: nobody waits for a heartbeat that does not come

    short = asyncio.Event()

    async def ends(task: Task) -> None:
        short.set()
        await asyncio.sleep(QUICK.stop / 4)
        ledger.note(task)

    async with new_runner(ends).running(), asyncio.timeout(SECONDS):
        await short.wait()
    assert ledger.done == [b"1"]
    assert await state.rows(database, ["queued", "picked", "failed"], 1) == []


async def test_a_removed_store_takes_its_work_along(database: Database, store_id: int) -> None:
    await put(database, store_id, b"1")
    await database.raw("DELETE FROM stores WHERE id = $1", store_id)
    assert await state.rows(database, ["queued"], 1) == []


async def test_the_log_is_pruned(database: Database, store_id: int, new_runner: NewRunner) -> None:
    ledger = Ledger(2)
    await put(database, store_id, b"1", b"2")
    async with new_runner(ledger).running():
        await ledger.wait()
        await empty(database)
    [before] = await database.raw("SELECT count(*) AS rows FROM pgqueuer_log")
    assert before.rows == 2  # one each, where pgqueuer writes three
    await database.raw("UPDATE pgqueuer_log SET created = now() - interval '8 days' WHERE id % 2 = 0")
    await upkeep.forget(database, dry_run=True)
    assert (await database.raw("SELECT count(*) AS rows FROM pgqueuer_log"))[0].rows == 2
    await upkeep.forget(database, dry_run=False)
    assert (await database.raw("SELECT count(*) AS rows FROM pgqueuer_log"))[0].rows == 1
