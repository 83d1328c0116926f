"""How many bytes wait in memory for all clients, on connections that are as a test says."""

import asyncio
from collections.abc import Callable

import pytest
from starlette.requests import ClientDisconnect

from image_service.edge.memory import SendMemory
from image_service.edge.places import Places
from tests.edge.fakes import Fake
from tests.edge.wire import PATIENCE


def memory_of(places: Places, *connections: Fake, most_bytes: int) -> SendMemory:
    for each in connections:
        assert places.add(each)
    return SendMemory(places, most_bytes)


@pytest.fixture
def places() -> Places:
    return Places(20)


async def looked_at(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not found():  # noqa: ASYNC110 - there is no event to await
            await asyncio.sleep(0.01)


async def test_what_waits_in_memory_is_bounded(places: Places) -> None:
    """Those end that take nothing, of the address for which most waits; those that take their answers never."""
    fair = Fake("a", buffered=60)
    stalled = [Fake("b", stalled_since=2.0, buffered=30), Fake("b", stalled_since=1.0, buffered=30)]
    other = Fake("c", stalled_since=0.5, buffered=20)
    memory = memory_of(places, fair, *stalled, other, most_bytes=100)
    for each in (fair, *stalled, other):
        memory.back_up(each)
    await looked_at(lambda: bool(stalled[1].ended))
    assert [len(each.ended) for each in (fair, *stalled, other)] == [0, 1, 1, 0]
    assert sum(each.buffered for each in (fair, *stalled, other) if not each.ended) <= 100
    more = [Fake("d", buffered=40), Fake("e", buffered=40)]
    for each in more:
        memory.back_up(each)
    await looked_at(lambda: bool(other.ended))
    assert [len(each.ended) for each in (fair, *stalled, other, *more)] == [0, 1, 1, 1, 0, 0]
    assert memory.is_short  # although all have gone who take nothing
    waiting = asyncio.create_task(memory.room(fair, 40))
    for each in more:
        each.buffered = 0
        memory.go_on(each)
    await asyncio.wait_for(waiting, PATIENCE)


async def test_whoever_asks_for_room_is_counted_at_once(places: Places) -> None:
    """A thousand may ask between two looks."""
    flood = [Fake("a") for _ in range(9)]
    memory = memory_of(places, *flood, most_bytes=100)
    asking = [asyncio.create_task(memory.room(each, 30)) for each in flood]
    done, _ = await asyncio.wait(asking, timeout=0)
    assert done == set(asking[:3])
    with memory.taken(flood[0], 30):  # what cannot wait is counted, too
        assert memory.is_short
    for each in flood[:3]:
        memory.give_back(each, 30)
    done, _ = await asyncio.wait(asking, timeout=0)
    assert done == set(asking[:6])
    for each in flood[3:]:
        memory.give_back(each, 30)
        await asyncio.sleep(0)  # those who wait go on
    late = Fake("b")
    assert places.add(late)
    await asyncio.wait_for(memory.room(late, 1_000), PATIENCE)  # more than there is, when nothing waits


async def test_room_goes_first_to_whom_holds_fewest_connections(places: Places) -> None:
    flood = [Fake("a", stalled_since=1.0 if number < 3 else None) for number in range(9)]
    shopper = Fake("b")
    memory = memory_of(places, *flood, shopper, most_bytes=90)
    for each in flood[:3]:
        await memory.room(each, 30)
        memory.back_up(each)
    order: list[str] = []

    async def asks(each: Fake) -> None:
        await memory.room(each, 30)
        order.append(each.address)

    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
        for each in (*flood[3:5], shopper):
            tasks.create_task(asks(each))
    assert order == ["b", "a", "a"]
    assert all(each.ended for each in flood[:3])  # those who wait need what the stalled ones hold
    assert not any(each.ended for each in flood[3:])
    for each in flood[:3]:
        memory.give_back(each, 30)  # as their answers end: it has been counted already
    assert memory.is_short
    for each in (*flood[3:5], shopper):
        memory.give_back(each, 30)
    assert not memory.is_short


async def test_what_has_been_taken_is_not_waited_for(places: Places) -> None:
    """All wait for room, and none of them holds anything."""
    readers = [Fake("a") for _ in range(4)]
    memory = memory_of(places, *readers, most_bytes=100)
    for each in readers:
        await memory.room(each, 25)
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
        for each in readers:
            tasks.create_task(memory.room(each, 25))
    assert memory.is_short
    for each in readers:
        memory.give_back(each, 50)
    assert not memory.is_short


async def test_one_that_ends_waits_no_more(places: Places) -> None:
    reader, gone = Fake("a"), Fake("b")
    memory = memory_of(places, reader, gone, most_bytes=100)
    await memory.room(reader, 100)
    reader.buffered = 100
    waiting = asyncio.create_task(memory.room(gone, 100))
    done, _ = await asyncio.wait([waiting], timeout=0)
    assert not done
    places.remove(gone)
    memory.remove(gone)
    with pytest.raises(ClientDisconnect):
        await asyncio.wait_for(waiting, PATIENCE)
    with pytest.raises(ClientDisconnect):
        await memory.room(gone, 1)
    assert memory.is_short
    memory.give_back(reader, 100)
    assert not memory.is_short


async def test_what_was_taken_is_given_back_whatever_happens(places: Places) -> None:
    reader = Fake("a")
    memory = memory_of(places, reader, most_bytes=100)
    with pytest.raises(ConnectionError), memory.taken(reader, 100):
        raise ConnectionError
    assert not memory.is_short


async def test_a_connection_that_ends_frees_its_memory(places: Places) -> None:
    reader, waits = Fake("a"), Fake("b")
    memory = memory_of(places, reader, waits, most_bytes=100)
    with memory.taken(reader, 100):
        waiting = asyncio.create_task(memory.room(waits, 100))
        await asyncio.sleep(0)
        places.remove(reader)
        memory.remove(reader)
        await asyncio.wait_for(waiting, PATIENCE)
    assert memory.is_short
    memory.give_back(waits, 100)
    assert not memory.is_short
