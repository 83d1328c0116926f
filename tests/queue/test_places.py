"""How many jobs run at once: places, lanes, and stores that take turns."""

import asyncio
from collections import Counter

from image_service.database.database import Database
from image_service.queue.runner import Pace
from image_service.queue.task import Task
from image_service.queue.turns import LANE_PLACES, choose
from image_service.stores import registry
from tests.queue.conftest import NewRunner, put
from tests.queue.ledger import Ledger

SELDOM = Pace(poll=600)  # only what is nudged begins


async def test_no_more_at_once_than_there_are_places(database: Database, store_id: int, new_runner: NewRunner) -> None:
    under_way, most = 0, 0
    ledger = Ledger(20)

    async def handle(task: Task) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        ledger.note(task)

    for number in range(20):
        await put(database, store_id, b"%d" % number, lane=str(number))
    async with new_runner(handle, places=6, pace=SELDOM).running():  # the next begin where one has ended
        await ledger.wait()
    assert most == 3  # a store alone has half


async def test_no_nudge_is_lost(database: Database, store_id: int, new_runner: NewRunner) -> None:
    """A nudge counts also while the runner polls, claims or records."""
    ledger = Ledger(60)

    async def handle(task: Task) -> None:
        ledger.note(task)

    runner = new_runner(handle, pace=SELDOM)
    async with runner.running():
        for number in range(60):
            await put(database, store_id, b"%d" % number)
            runner.nudge()
        await ledger.wait()


async def test_a_lane_has_four_places_in_all_workers(database: Database, store_id: int, new_runner: NewRunner) -> None:
    under_way: Counter[bytes] = Counter()
    most: Counter[bytes] = Counter()
    ledger = Ledger(24)

    async def handle(task: Task) -> None:
        lane = task.payload
        under_way[lane] += 1
        most[lane] = max(most[lane], under_way[lane])
        await asyncio.sleep(0.02)
        under_way[lane] -= 1
        ledger.note(task)

    for lane in (b"a", b"b"):
        await put(database, store_id, *[lane] * 12, lane=lane.decode())
    workers = [new_runner(handle, places=20, pace=SELDOM) for _ in range(2)]
    async with workers[0].running(), workers[1].running():
        await ledger.wait()
    assert most == {b"a": LANE_PLACES, b"b": LANE_PLACES}


async def test_a_store_whose_work_hangs_delays_no_other(
    database: Database, store_id: int, new_runner: NewRunner
) -> None:
    other = (await registry.add(database, "another shop")).store_id
    ledger = Ledger(5)

    async def handle(task: Task) -> None:
        if task.payload == b"hangs":
            await asyncio.Event().wait()
        ledger.note(task)

    for number in range(30):
        await put(database, store_id, b"hangs", lane=f"host-{number}")
    await put(database, other, *[b"quick"] * 5, lane="host-0")
    async with new_runner(handle, places=4).running():
        await ledger.wait()
    assert ledger.done == [b"quick"] * 5


def test_stores_take_turns() -> None:
    waiting = [(1, 10), (1, 11), (1, 12), (1, 13), (2, 20), (2, 21), (3, 30)]
    assert choose(waiting, {}, 8) == [10, 20, 30, 11, 21]
    assert choose(waiting, {1: 4}, 8) == [20, 30]  # half of 4, less one
    assert choose(waiting, {9: 4, 8: 2, 7: 1}, 8) == [10]  # one is left
    assert choose(waiting, {9: 8}, 8) == []
