import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from image_service.errors import Busy, Refusal
from image_service.pixels.limits import Limits, Refused
from image_service.pixels.messages import Drawing
from image_service.pixels.picture import Format
from image_service.pixels.pool import PixelPool, ProbeFailed, RenderFailed
from tests.pixels.conftest import WAIT
from tests.pixels.fake_worker import PROBE
from tests.pixels.pictures import quadrants

FAKE = Path(__file__).with_name("fake_worker.py")
LONG, SHORT = 60.0, 0.2  # seconds: never reached here; reached on purpose


@asynccontextmanager
async def fakes(folder: Path, processes: int = 1, seconds: float = LONG) -> AsyncIterator[PixelPool]:
    """A pool of stand-ins, that start for as long as there is no file `broken`."""
    command = (sys.executable, "-I", str(FAKE), str(folder / "broken"))
    async with PixelPool(processes, Limits(), seconds, seconds, command) as pool:
        yield pool


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "good",
        "hang",
        "begin-and-hang",
        "begin-and-wait",
        "die",
        "starve",
        "exit",
        "flood",
        "chatter",
    ):
        (tmp_path / name).write_bytes(b"xx")
    os.mkfifo(tmp_path / "begun")
    os.mkfifo(tmp_path / "go-on")
    return tmp_path


async def begun(folder: Path) -> None:
    """Returns once a process has begun with its job."""
    await asyncio.to_thread((folder / "begun").read_text)


async def go_on(folder: Path) -> None:
    await asyncio.to_thread((folder / "go-on").write_text, "go on")


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
        assert caught.value.refusal is Refusal.NOT_AN_IMAGE
        assert not running(pid)
        assert (pool.killed, pool.died, pool.busy) == (1, 0, 0)


@pytest.mark.parametrize("how", ["die", "exit", "flood"])
async def test_a_process_that_ends_costs_its_own_request(folder: Path, how: str) -> None:
    async with fakes(folder) as pool:
        (pid,) = pool.pids
        with pytest.raises(Refused) as caught:
            await pool.probe(folder / how, wait=WAIT)
        assert caught.value.refusal is Refusal.NOT_AN_IMAGE
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
                    folder / "good", folder / "drawn", Drawing(Format.PNG, Format.PNG, 1, 1, 1), wait=wait
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
        await PixelPool(1, Limits(), LONG, LONG, command=("/no/such/program",)).start()


async def test_closing_ends_every_process_and_every_job(folder: Path) -> None:
    async with fakes(folder, processes=2) as pool:
        pids = pool.pids
        job = asyncio.create_task(pool.probe(folder / "begin-and-hang", wait=WAIT))
        await begun(folder)
    assert not any(running(pid) for pid in pids)
    with pytest.raises(Busy):  # no fault of the picture
        await job
    with pytest.raises(Busy):
        await pool.probe(folder / "good", wait=WAIT)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"id": 99},
        {"id": True},
        {"probe": None},
        {"probe": []},
        {"probe": {}},
        {"probe": PROBE | {"extra": 1}},
        {"probe": PROBE | {"format": "webp"}},
        {"probe": PROBE | {"format": ["png"]}},
        {"probe": PROBE | {"width": 0}},
        {"probe": PROBE | {"width": -1}},
        {"probe": PROBE | {"width": 1.0}},
        {"probe": PROBE | {"width": True}},
        {"probe": PROBE | {"width": "1"}},
        {"probe": PROBE | {"width": 10**30}},
        {"probe": PROBE | {"height": 16_385}},
        {"probe": PROBE | {"width": 16_384, "height": 16_384}},
        {"probe": PROBE | {"frames": 2}},
        {"probe": PROBE | {"format": "gif", "frames": 501}},
        {"probe": PROBE | {"end": 0}},
        {"probe": PROBE | {"end": 10_000}},
        {"probe": PROBE | {"thumbhash": "A" * 65}},
        {"probe": PROBE | {"thumbhash": "<script>"}},
        {"probe": PROBE | {"thumbhash": "AAAA\n"}},
        {"probe": PROBE | {"thumbhash": None}},
        {"refused": "not_fetched"},
        {"refused": ["not_an_image"]},
        {"drawn": True},
    ],
    ids=str,
)
async def test_a_captured_process_misleads_nobody(folder: Path, answer: dict[str, object]) -> None:
    (folder / "answer").write_text(json.dumps(answer))
    async with fakes(folder) as pool:
        with pytest.raises(Refused, match="its process"):
            await pool.probe(folder / "answer", wait=WAIT)
        assert pool.died == 1
        assert (await pool.probe(folder / "good", wait=WAIT)).end == 1


@pytest.mark.parametrize("text", ["\n", "null\n", "[]\n", "\x00\xff\n", "[" * 16_000 + "\n", "1" * 9_000 + "\n"])
async def test_what_is_no_answer_ends_the_process(folder: Path, text: str) -> None:
    (folder / "text").write_text(text)
    async with fakes(folder) as pool:
        with pytest.raises(Refused, match="its process"):
            await pool.probe(folder / "text", wait=WAIT)
        assert pool.died == 1


async def test_a_reason_is_fit_for_a_log(folder: Path) -> None:
    async with fakes(folder) as pool:
        reason = {"detail": "one\ntwo \x1b[31m" + "x" * 5_000}
        (folder / "answer").write_text(json.dumps({"refused": "not_an_image"} | reason))
        with pytest.raises(Refused) as refused:
            await pool.probe(folder / "answer", wait=WAIT)
        assert refused.value.detail.startswith("one?two ?[31mxxx")
        assert len(refused.value.detail) == 300
        (folder / "answer").write_text(json.dumps({"failed": 7}))
        with pytest.raises(ProbeFailed):
            await pool.probe(folder / "answer", wait=WAIT)
        assert (pool.died, pool.killed) == (0, 0)


async def test_a_drawing_that_takes_too_long(pool: PixelPool, tmp_path: Path) -> None:
    quadrants(3000, 2000).save(tmp_path / "a", "PNG")
    drawing = Drawing(Format.PNG, Format.AVIF, 3000, 2000, 1)
    async with PixelPool(1, Limits(), probe_seconds=LONG, draw_seconds=0.01) as hasty:
        with pytest.raises(RenderFailed, match="too long"):
            await hasty.render(tmp_path / "a", tmp_path / "b", drawing, wait=WAIT)
        assert (await hasty.probe(tmp_path / "a", wait=WAIT)).width == 3000


def test_the_service_imports_no_decoder() -> None:
    program = "import sys, image_service.pixels.pool; print({'pyvips', 'thumbhash', 'PIL'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
