"""In order, the urgent first, and nobody for ever last."""

import asyncio

import pytest

from image_service.pixels.pool.turns import Turns


async def queued(turns: Turns, names: str) -> tuple[list[str], list[asyncio.Task[None]]]:
    """All of them wait, in this order; capitals are urgent. The list is filled as their turns come."""
    served: list[str] = []

    async def wait(name: str) -> None:
        await turns.acquire(urgent=name.isupper())
        served.append(name)
        turns.release()

    tasks = []
    for name in names:
        tasks.append(asyncio.create_task(wait(name)))
        await asyncio.sleep(0)  # so that it stands in the queue before the next
    return served, tasks


@pytest.mark.parametrize(
    ("arrived", "order"), [("abc", "abc"), ("abAcB", "ABabc"), ("abABCDE", "ABCaDEb"), ("ABCDE", "ABCDE"), ("", "")]
)
async def test_the_order_of_turns(arrived: str, order: str) -> None:
    turns = Turns(1)
    await turns.acquire(urgent=False)
    served, tasks = await queued(turns, arrived)
    assert served == []
    turns.release()
    await asyncio.gather(*tasks)
    assert "".join(served) == order


async def test_so_many_at_a_time() -> None:
    turns = Turns(2)
    for _ in range(2):
        await turns.acquire(urgent=False)
    served, tasks = await queued(turns, "ab")
    assert served == []
    turns.release()
    await asyncio.gather(*tasks)
    assert served == ["a", "b"]


async def test_who_gives_up_just_before_the_turn_comes() -> None:
    turns = Turns(1)
    await turns.acquire(urgent=False)
    served, tasks = await queued(turns, "ab")
    tasks[0].cancel()  # its wait has ended, but it does not know yet
    turns.release()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError, type(None)]
    assert served == ["b"]


async def test_who_gives_up_costs_nobody_a_turn() -> None:
    turns = Turns(1)
    await turns.acquire(urgent=False)
    served, tasks = await queued(turns, "aBc")
    tasks[0].cancel()
    turns.release()  # B's
    tasks[1].cancel()  # in the very moment that it came
    await asyncio.gather(*tasks, return_exceptions=True)
    assert served[-1] == "c"
    await asyncio.wait_for(turns.acquire(urgent=False), 1)
