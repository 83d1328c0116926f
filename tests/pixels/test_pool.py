import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from image_service.errors import Busy, Refusal
from image_service.pixels.limits import Limits, Refused
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.failures import ProbeFailed, RenderFailed
from image_service.pixels.pool.pool import PixelPool
from tests.pixels.conftest import WAIT
from tests.pixels.fakes import LONG, SHORT, begun, fakes, go_on
from tests.pixels.pictures import quadrants


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - the pool signals to nobody that a job waits in it
        await asyncio.sleep(0.001)


async def test_a_job_that_takes_too_long_costs_its_own_request(folder: Path) -> None:
    async with fakes(folder, seconds=SHORT) as pool:
        (pid,) = pool.pids
        with pytest.raises(Refused, match="took too long") as caught:
            await pool.probe(folder / "hang", wait=WAIT)
        assert caught.value.refusal is Refusal.DAMAGED
        assert not running(pid)
        assert (pool.killed, pool.died, pool.busy) == (1, 0, 0)


@pytest.mark.parametrize("how", ["die", "exit", "flood"])
async def test_a_process_that_ends_costs_its_own_request(folder: Path, how: str) -> None:
    async with fakes(folder) as pool:
        (pid,) = pool.pids
        with pytest.raises(Refused) as caught:
            await pool.probe(folder / how, wait=WAIT)
        assert caught.value.refusal is Refusal.DAMAGED
        assert not running(pid)
        assert (pool.killed, pool.died) == (0, 1)
        assert (await pool.probe(folder / "good", wait=WAIT)).end == 1
        assert pool.died == 1


async def test_a_process_that_gets_no_memory_says_nothing_of_the_picture(folder: Path) -> None:
    async with fakes(folder) as pool:
        with pytest.raises(ProbeFailed, match="memory"):
            await pool.probe(folder / "starve", wait=WAIT)
        assert (pool.killed, pool.died) == (0, 1)
        assert (await pool.probe(folder / "good", wait=WAIT)).end == 1


async def test_a_process_killed_in_mid_job(folder: Path) -> None:
    async with fakes(folder) as pool:
        job = asyncio.create_task(pool.probe(folder / "begin-and-hang", wait=WAIT))
        await begun(folder)
        assert pool.busy == 1
        os.kill(pool.pids[0], signal.SIGKILL)
        with pytest.raises(ProbeFailed):
            await job
        assert (await pool.probe(folder / "good", wait=WAIT)).end == 1


async def test_a_process_killed_while_idle_costs_nothing(folder: Path) -> None:
    async with fakes(folder) as pool:
        (pid,) = pool.pids
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not running(pid))
        assert (await pool.probe(folder / "good", wait=WAIT)).end == 1
        assert pool.died == 1


async def test_a_process_that_dies_before_it_has_read_its_job_costs_nothing(folder: Path) -> None:
    """It was killed while idle, and the news comes after the job."""
    async with fakes(folder, processes=2) as pool:
        idle = pool.pids
        for pid in idle:
            os.kill(pid, signal.SIGSTOP)
        job = asyncio.create_task(pool.probe(folder / "good", wait=WAIT))
        await until(lambda: pool.busy == 1)
        for pid in idle:
            os.kill(pid, signal.SIGKILL)
        assert (await job).end == 1
        assert pool.died == 2


async def test_busy_when_no_process_takes_a_job(folder: Path) -> None:
    async with fakes(folder, processes=2) as pool:
        (folder / "deaf").touch()
        with pytest.raises(Busy):
            await pool.probe(folder / "good", wait=WAIT)
        assert (pool.died, pool.busy) == (3, 0)
        (folder / "deaf").unlink()
        assert (await pool.probe(folder / "good", wait=WAIT)).end == 1
        assert pool.died == 3


async def test_a_caller_who_leaves_takes_the_process_along(folder: Path) -> None:
    async with fakes(folder) as pool:
        (pid,) = pool.pids
        job = asyncio.create_task(pool.probe(folder / "begin-and-wait", wait=WAIT))
        await begun(folder)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        assert not running(pid)
        assert (pool.killed, pool.busy) == (1, 0)
        assert (await pool.probe(folder / "good", wait=WAIT)).end == 1
        assert pid not in pool.pids


async def test_a_caller_who_leaves_while_waiting_costs_nothing(folder: Path) -> None:
    async with fakes(folder) as pool:
        first = asyncio.create_task(pool.probe(folder / "begin-and-wait", wait=WAIT))
        await begun(folder)
        second = asyncio.create_task(pool.probe(folder / "good", wait=WAIT))
        await until(lambda: pool.waiting == 1)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        await go_on(folder)
        await first
        assert (pool.waiting, pool.killed, pool.died) == (0, 0, 0)


async def test_an_answer_given_in_advance_is_not_taken(folder: Path) -> None:
    """Although it names the next request correctly."""
    async with fakes(folder) as pool:
        for _ in range(3):
            assert (await pool.probe(folder / "chatter", wait=WAIT)).end == 1
        assert (await pool.probe(folder / "good", wait=WAIT)).end == 1
        assert pool.died == 3


async def test_waiters_are_served_in_order(folder: Path) -> None:
    served: list[int] = []

    async def probe(number: int) -> None:
        await pool.probe(folder / "good", wait=WAIT)
        served.append(number)

    async with fakes(folder) as pool:
        first = asyncio.create_task(pool.probe(folder / "begin-and-wait", wait=WAIT))
        await begun(folder)
        jobs = []
        for number in range(20):
            jobs.append(asyncio.create_task(probe(number)))
            await until(lambda: pool.waiting == len(jobs))
        await go_on(folder)
        await asyncio.gather(first, *jobs)
        assert served == list(range(20))


async def test_busy_when_no_process_becomes_free_in_time(folder: Path) -> None:
    async with fakes(folder) as pool:
        first = asyncio.create_task(pool.probe(folder / "begin-and-wait", wait=WAIT))
        await begun(folder)
        for wait in (0, SHORT):
            with pytest.raises(Busy):
                await pool.probe(folder / "good", wait=wait)
            with pytest.raises(Busy):
                await pool.render(
                    folder / "good", folder / "rendered", Rendering(Format.PNG, Format.PNG, 1, 1, 1), wait=wait
                )
        assert (pool.waiting, pool.busy) == (0, 1)
        await go_on(folder)
        assert (await first).end == 1
        assert (await pool.probe(folder / "good", wait=0)).end == 1  # a free one is had without waiting


async def test_as_many_at_once_as_there_are_processes(folder: Path) -> None:
    async with fakes(folder, processes=2) as pool:
        jobs = [asyncio.create_task(pool.probe(folder / "begin-and-hang", wait=WAIT)) for _ in range(2)]
        await until(lambda: pool.busy == 2)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        assert pool.busy == 0


async def test_recovers_once_processes_can_start_again(folder: Path) -> None:
    async with fakes(folder) as pool:
        (folder / "broken").touch()
        with pytest.raises(Refused):
            await pool.probe(folder / "die", wait=WAIT)
        for _ in range(3):
            with pytest.raises(Busy):
                await pool.probe(folder / "good", wait=WAIT)
        (folder / "broken").unlink()
        assert (await pool.probe(folder / "good", wait=WAIT)).end == 1


async def test_a_pool_that_cannot_start_says_so(folder: Path) -> None:
    (folder / "broken").touch()
    with pytest.raises(Busy):
        async with fakes(folder, processes=2):
            pass
    with pytest.raises(Busy):
        async with PixelPool(1, Limits(), LONG, LONG, command=("/no/such/program",)):
            pass


async def test_closing_ends_every_process_and_every_job(folder: Path) -> None:
    async with fakes(folder, processes=8) as pool:
        pids = pool.pids
        jobs = [asyncio.create_task(pool.probe(folder / "hang", wait=WAIT)) for _ in range(7)]
        await until(lambda: pool.busy == 7)
    assert not any(running(pid) for pid in pids)
    for job in jobs:
        with pytest.raises(Busy):  # no fault of the picture
            await job
    with pytest.raises(Busy):
        await pool.probe(folder / "good", wait=WAIT)


async def test_a_rendering_that_takes_too_long(pool: PixelPool, tmp_path: Path) -> None:
    quadrants(3000, 2000).save(tmp_path / "a", "PNG")
    rendering = Rendering(Format.PNG, Format.AVIF, 3000, 2000, 1)
    async with PixelPool(1, Limits(), probe_seconds=LONG, draw_seconds=0.01) as hasty:
        with pytest.raises(RenderFailed, match="too long"):
            await hasty.render(tmp_path / "a", tmp_path / "b", rendering, wait=WAIT)
        assert (await hasty.probe(tmp_path / "a", wait=WAIT)).width == 3000


def test_the_service_imports_no_decoder() -> None:
    program = "import sys, image_service.pixels.pool.pool; print({'pyvips', 'thumbhash', 'PIL'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
