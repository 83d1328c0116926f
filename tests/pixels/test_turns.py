"""In order: checks first, those of uploads before jobs', dear renders last, the owners in turn, none for ever last."""

import asyncio

import pytest

from image_service.pixels.pool.turns import CHEAP_IN_A_ROW, UPLOADS_TO_ONE_LATER, Job, Turns

JOBS = {"c": Job.CHECK, "l": Job.LATER, "r": Job.CHEAP, "d": Job.DEAR}


async def queued(turns: Turns, names: list[str]) -> tuple[list[str], list[asyncio.Task[None]]]:
    """All of them wait, in this order: each is called by its kind, its owner and a number. The list is filled as their
    turns come.
    """
    served: list[str] = []

    async def wait(name: str) -> None:
        await turns.acquire(JOBS[name[0]], int(name[1]))
        served.append(name)
        turns.release(JOBS[name[0]])

    tasks = []
    for name in names:
        tasks.append(asyncio.create_task(wait(name)))
        await asyncio.sleep(0)  # so that it stands in the queue before the next
    return served, tasks


def words(line: str) -> list[str]:
    return line.split()


@pytest.mark.parametrize(
    ("arrived", "order"),
    [
        ("r1a r1b r1c", "r1a r1b r1c"),
        ("r1a r1b c1a r1c c1b", "c1a c1b r1a r1b r1c"),
        ("r1a r1b c1a c1b c1c c1d c1e", "c1a c1b c1c r1a c1d c1e r1b"),
        ("c1a c1b c1c c1d c1e", "c1a c1b c1c c1d c1e"),
        ("d1a d1b r1a c1a r1b", "c1a r1a r1b d1a d1b"),
        ("r1a r1b r1c r2a r3a r2b", "r1a r2a r3a r1b r2b r1c"),
        ("c1a c1b c1c c2a c2b c3a", "c1a c2a c3a c1b c2b c1c"),
        ("d1a d1b d2a", "d1a d2a d1b"),
        ("l1a l1b r1a c1a c1b", "c1a c1b l1a r1a l1b"),
        ("l1a l1b l2a", "l1a l2a l1b"),
        ("", ""),
    ],
)
async def test_the_order_of_turns(arrived: str, order: str) -> None:
    turns = Turns(1)
    await turns.acquire(Job.CHEAP)
    served, tasks = await queued(turns, words(arrived))
    assert served == []
    turns.release(Job.CHEAP)
    await asyncio.gather(*tasks)
    assert served == words(order)


async def test_dear_ones_do_not_wait_for_ever() -> None:
    turns = Turns(1)
    await turns.acquire(Job.DEAR)
    served, tasks = await queued(turns, ["d1", *(f"r{number % 3}" for number in range(CHEAP_IN_A_ROW + 2)), "c1"])
    turns.release(Job.DEAR)
    await asyncio.gather(*tasks)
    assert served.index("d1") == CHEAP_IN_A_ROW + 1  # behind the check and so many cheap ones, before the last two


async def test_checks_of_jobs_do_not_wait_for_ever() -> None:
    """Nor where renders wait, too."""
    turns = Turns(1)
    await turns.acquire(Job.CHECK)
    uploads = [f"c{number % 3}" for number in range(2 * UPLOADS_TO_ONE_LATER)]
    served, tasks = await queued(turns, ["l1", "l2", *uploads, *["r1"] * 10])
    turns.release(Job.CHECK)
    await asyncio.gather(*tasks)
    of_uploads = [name for name in served if name[0] in "cl"]
    assert of_uploads.index("l1") < UPLOADS_TO_ONE_LATER
    assert of_uploads.index("l2") == of_uploads.index("l1") + UPLOADS_TO_ONE_LATER + 1


@pytest.mark.parametrize("places", [2, 3])
async def test_dear_ones_leave_a_place_to_the_others(places: int) -> None:
    turns = Turns(places)
    for _ in range(places - 1):
        await turns.acquire(Job.DEAR)
    served, tasks = await queued(turns, ["d1", "d2", "r1", "c1"])
    await asyncio.gather(*tasks[2:])
    assert served == ["r1", "c1"]
    turns.release(Job.DEAR)
    await asyncio.gather(*tasks)
    assert served == ["r1", "c1", "d1", "d2"]


async def test_so_many_at_a_time() -> None:
    turns = Turns(2)
    for _ in range(2):
        await turns.acquire(Job.CHEAP)
    served, tasks = await queued(turns, ["r1", "r2"])
    assert served == []
    turns.release(Job.CHEAP)
    await asyncio.gather(*tasks)
    assert served == ["r1", "r2"]


@pytest.mark.parametrize("job", Job)
async def test_who_gives_up_just_before_the_turn_comes(job: Job) -> None:
    turns = Turns(1)
    await turns.acquire(job)
    served, tasks = await queued(turns, ["d1", "d2"])
    tasks[0].cancel()  # its wait has ended, but it does not know yet
    turns.release(job)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError, type(None)]
    assert served == ["d2"]


async def test_who_gives_up_costs_nobody_a_turn() -> None:
    turns = Turns(1)
    await turns.acquire(Job.DEAR)
    served, tasks = await queued(turns, ["r1", "c1", "d1"])
    tasks[0].cancel()
    turns.release(Job.DEAR)  # the check's
    tasks[1].cancel()  # in the very moment that it came
    await asyncio.gather(*tasks, return_exceptions=True)
    assert served[-1] == "d1"
    for _ in range(2):
        await asyncio.wait_for(turns.acquire(Job.DEAR), 1)
        turns.release(Job.DEAR)
