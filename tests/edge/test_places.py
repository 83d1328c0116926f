"""Which connection gives way: the rule, on connections that are as a test says."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from starlette.requests import ClientDisconnect

from image_service.edge.places import Places
from tests.edge.wire import PATIENCE

MUCH = 1_000_000_000


@dataclass(eq=False)
class Fake:
    address: str
    idle_since: float = 0.0
    is_idle: bool = False
    stalled_since: float | None = None
    buffered: int = 0
    ended: list["Fake"] = field(default_factory=list)
    frees: tuple[Places, int] | None = None  # bytes that its answer gives back when it ends

    def give_way(self) -> None:
        self.ended.append(self)
        if self.frees is not None:
            places, count = self.frees
            asyncio.get_running_loop().call_soon(places.give_back, self, count)


def held(most: int, *connections: Fake, most_bytes: int = MUCH) -> Places:
    places = Places(most, most_bytes)
    for each in connections:
        assert places.add(each)
    return places


async def looked_at(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not found():  # noqa: ASYNC110 - places tell nobody
            await asyncio.sleep(0.01)


def test_the_address_that_holds_most_gives_way() -> None:
    many = [Fake("a", idle_since=9, is_idle=True) for _ in range(3)]
    longest = Fake("b", idle_since=1, is_idle=True)
    places = held(4, *many, longest)
    assert places.add(Fake("c"))
    assert sum(len(each.ended) for each in many) == 1
    assert not longest.ended


def test_the_one_that_takes_nothing_for_longest_goes_first_then_the_one_idle_for_longest() -> None:
    idle = [Fake("a", idle_since=since, is_idle=True) for since in (1, 2)]
    stalled = [Fake("a", stalled_since=since) for since in (8.0, 7.0)]
    places = held(4, *idle, *stalled)
    for expected in (stalled[1], stalled[0], idle[0], idle[1]):
        assert places.add(Fake("a"))
        assert expected.ended == [expected]
    assert not places.add(Fake("a"))


def test_whoever_is_served_keeps_its_place() -> None:
    """A whole shop behind one address: all of its connections take their answers."""
    shop = [Fake("a") for _ in range(5)]
    idle = Fake("b", is_idle=True)
    places = held(6, *shop, idle)
    assert places.add(Fake("c"))  # an idle one of another address goes instead
    assert idle.ended
    assert not places.add(Fake("d"))
    assert not any(each.ended for each in shop)


def test_nobody_takes_a_place_from_one_who_holds_fewer() -> None:
    flood = [Fake("a") for _ in range(3)]
    quiet = Fake("b", is_idle=True)
    places = held(4, *flood, quiet)
    assert not places.add(Fake("a"))
    assert not quiet.ended
    assert places.add(Fake("c"))  # who has none may


def test_a_proxys_connection_counts_for_whom_it_speaks() -> None:
    behind = [Fake("proxy", is_idle=True) for _ in range(4)]
    places = held(4, *behind)
    for each, client in zip(behind, ("a", "a", "a", "b"), strict=True):
        places.move(each, client)
    assert places.add(Fake("c"))
    assert not behind[3].ended
    assert sum(len(each.ended) for each in behind) == 1


async def test_those_that_leave_leave_nothing() -> None:
    connections = [Fake("a"), Fake("b")]
    places = held(2, *connections)
    for each in connections:
        places.back_up(each)
        places.remove(each)
        places.remove(each)
    assert not places.are_taken
    for number in range(2):
        assert places.add(Fake(str(number)))
    assert places.are_taken


async def test_what_waits_in_memory_is_bounded() -> None:
    """Those end that take nothing, of the address for which most waits; those that take their answers never."""
    fair = Fake("a", buffered=60)
    stalled = [Fake("b", stalled_since=2.0, buffered=30), Fake("b", stalled_since=1.0, buffered=30)]
    other = Fake("c", stalled_since=0.5, buffered=20)
    places = held(9, fair, *stalled, other, most_bytes=100)
    for each in (fair, *stalled, other):
        places.back_up(each)
    await looked_at(lambda: bool(stalled[1].ended))
    assert [len(each.ended) for each in (fair, *stalled, other)] == [0, 1, 1, 0]
    assert sum(each.buffered for each in (fair, *stalled, other) if not each.ended) <= 100
    more = [Fake("d", buffered=40), Fake("e", buffered=40)]
    for each in more:
        places.back_up(each)
    await looked_at(lambda: bool(other.ended))
    assert [len(each.ended) for each in (fair, *stalled, other, *more)] == [0, 1, 1, 1, 0, 0]
    assert places.is_short  # although all have gone who take nothing
    waiting = asyncio.create_task(places.room(fair, 40))
    for each in more:
        each.buffered = 0
        places.go_on(each)
    await asyncio.wait_for(waiting, PATIENCE)


async def test_whoever_asks_for_room_is_counted_at_once() -> None:
    """A thousand may ask between two looks."""
    flood = [Fake("a") for _ in range(9)]
    places = held(20, *flood, most_bytes=100)
    asking = [asyncio.create_task(places.room(each, 30)) for each in flood]
    done, _ = await asyncio.wait(asking, timeout=0)
    assert done == set(asking[:3])
    places.take(flood[0], 30)  # what cannot wait is counted, too
    assert places.is_short
    for each in (flood[0], flood[0], flood[1], flood[2]):
        places.give_back(each, 30)
    done, _ = await asyncio.wait(asking, timeout=0)
    assert done == set(asking[:6])
    for each in flood[3:]:
        places.give_back(each, 30)
        await asyncio.sleep(0)  # those who wait go on
    late = Fake("b")
    assert places.add(late)
    await asyncio.wait_for(places.room(late, 1_000), PATIENCE)  # more than there is, when nothing waits


async def test_room_goes_first_to_whom_holds_fewest_connections() -> None:
    flood = [Fake("a", stalled_since=1.0 if number < 3 else None) for number in range(9)]
    shopper = Fake("b")
    places = held(20, *flood, shopper, most_bytes=90)
    for each in flood[:3]:
        await places.room(each, 30)
        places.back_up(each)
        each.frees = places, 30
    order: list[str] = []

    async def asks(each: Fake) -> None:
        await places.room(each, 30)
        order.append(each.address)

    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
        for each in (*flood[3:5], shopper):
            tasks.create_task(asks(each))
    assert order == ["b", "a", "a"]
    assert all(each.ended for each in flood[:3])  # those who wait need what the stalled ones hold
    assert not any(each.ended for each in flood[3:])


async def test_what_has_been_taken_is_not_waited_for() -> None:
    """All wait for room, and none of them holds anything."""
    readers = [Fake("a") for _ in range(4)]
    places = held(9, *readers, most_bytes=100)
    for each in readers:
        places.take(each, 25)
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
        for each in readers:
            tasks.create_task(places.room(each, 25))
    assert places.is_short
    for each in readers:
        places.give_back(each, 50)
    assert not places.is_short


async def test_one_that_ends_waits_no_more() -> None:
    reader, gone = Fake("a"), Fake("b")
    places = held(9, reader, gone, most_bytes=100)
    await places.room(reader, 100)
    reader.buffered = 100
    waiting = asyncio.create_task(places.room(gone, 100))
    done, _ = await asyncio.wait([waiting], timeout=0)
    assert not done
    places.remove(gone)
    with pytest.raises(ClientDisconnect):
        await asyncio.wait_for(waiting, PATIENCE)
    with pytest.raises(ClientDisconnect):
        await places.room(gone, 1)
    assert places.is_short
    places.give_back(reader, 100)
    assert not places.is_short
