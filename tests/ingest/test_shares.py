"""Places that are shared: nobody takes all, whoever waits has its turn, and none is lost."""

import asyncio
from uuid import uuid4

import pytest

from image_service.errors import Busy
from image_service.ingest.shares import Owner, Shares

SHORT, LONG = 0.01, 60.0  # seconds: reached on purpose, never reached


async def taken(shares: Shares, owner: Owner, most: int = 1000) -> int:
    """How many places this owner gets at once, when it asks for `most`."""
    count = 0
    while count < most:
        try:
            await shares.take(owner, 0, "places")
        except Busy:
            break
        count += 1
    return count


async def test_half_of_what_the_others_leave() -> None:
    shares = Shares(64)
    assert [await taken(shares, Owner(store)) for store in range(1, 9)] == [32, 16, 8, 4, 2, 1, 1, 0]


async def test_one_place_is_enough_for_one() -> None:
    shares = Shares(1)
    release = await shares.take(Owner(1), 0, "places")
    with pytest.raises(Busy, match="too many places at once"):
        await shares.take(Owner(2), SHORT, "places")
    release()
    assert await taken(shares, Owner(2)) == 1


@pytest.mark.parametrize(("files", "places"), [(1, 1), (7, 7), (100, 8), (0, 1)])
async def test_a_ticket_has_no_more_than_its_files_nor_than_a_quarter(files: int, places: int) -> None:
    shares = Shares(64)
    assert await taken(shares, Owner(1, uuid4(), files)) == places
    assert await taken(shares, Owner(1, uuid4(), 1)) == 1
    assert await taken(shares, Owner(1)) == 32 - places - 1  # what is left of its store's
    assert await taken(shares, Owner(2)) == 16


async def test_stores_that_wait_take_turns() -> None:
    shares = Shares(1)
    served: list[int] = []

    async def serve(store: int) -> None:
        async with shares.place(Owner(store), LONG, "places"):
            served.append(store)

    release = await shares.take(Owner(9), 0, "places")
    waiting = []
    for store in (1, 1, 1, 2, 3, 2):
        waiting.append(asyncio.create_task(serve(store)))
        await asyncio.sleep(0)  # so that it stands in the queue before the next
    release()
    await asyncio.gather(*waiting)
    assert served == [1, 2, 3, 1, 2, 1]


async def test_one_whose_share_is_used_up_does_not_stand_in_the_way() -> None:
    shares = Shares(4)
    ticket = Owner(1, uuid4(), 1)
    first = await shares.take(ticket, 0, "places")
    waiting = asyncio.create_task(shares.take(ticket, LONG, "places"))
    await asyncio.sleep(0)
    assert await taken(shares, Owner(1)) == 1  # the same store's own
    first()
    (await waiting)()


async def test_who_gives_up_costs_nobody_a_place() -> None:
    shares = Shares(1)
    release = await shares.take(Owner(1), 0, "places")
    leaving = asyncio.create_task(shares.take(Owner(2), LONG, "places"))
    staying = asyncio.create_task(shares.take(Owner(3), LONG, "places"))
    await asyncio.sleep(0)
    release()  # its turn has come
    leaving.cancel()  # in the very same moment
    (await staying)()
    assert leaving.cancelled() or await asyncio.wait([leaving])
    assert await taken(shares, Owner(2)) == 1
