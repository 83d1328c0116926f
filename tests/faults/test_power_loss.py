"""The power fails under load: the bytes and PostgreSQL's log are what the disk had been told to keep.

Where mounting is not allowed, `test_writes.py` sees the same order of writes from the kernel's side.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults import killing, reckoning
from tests.faults.disks import PoweredDisk
from tests.faults.killing import SETTINGS, Killing
from tests.faults.runs import IS_LONG, RUNS
from tests.faults.tracing import needs_strace, traced
from tests.processes import Server, eventually, family

CUTS = 1 + RUNS // 4
WRITES = 20  # that are acknowledged between two cuts, and then some more
MEBIBYTES = 512
SEED = 4


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[PoweredDisk]:
    disk = PoweredDisk(tmp_path, MEBIBYTES)
    yield disk
    disk.close()


async def cut(run: Killing, disk: PoweredDisk) -> None:
    """Nothing moves any more; then all is gone but what the disk holds; then the machine starts."""
    await asyncio.to_thread(_stand_still, run.server)
    await asyncio.to_thread(disk.snapshot)
    for pid in family(run.server.process.pid):
        os.kill(pid, signal.SIGKILL)
    await asyncio.to_thread(run.server.process.wait)
    await asyncio.to_thread(disk.restore)
    run.server = await asyncio.to_thread(run.start)
    await run.ready()


def _stand_still(server: Server) -> None:
    def stopped() -> bool:
        members = family(server.process.pid)
        for pid in members:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        return all(_state(pid) in {"T", "t", "gone"} for pid in members)  # whoever waits for the disk stops after it

    eventually(stopped)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "gone"


async def test_what_was_acknowledged_survives(
    disk: PoweredDisk, record_property: Callable[[str, object], None]
) -> None:
    folder = disk.root / "service"
    async with killing.killing(folder, lambda: Server(folder, new=True, **SETTINGS), SEED) as run:
        load, stop = run.load, asyncio.Event()
        await run.ready()
        running = asyncio.create_task(load.run(stop))
        for _ in range(CUTS):
            wanted = load.writes + WRITES
            await asyncio.to_thread(eventually, lambda wanted=wanted: load.writes >= wanted)
            await asyncio.sleep(run.chance.uniform(0, 0.5))
            await cut(run, disk)
        stop.set()
        await running
        found = await reckoning.faults(load, folder)
        for name, value in {"cuts": CUTS, "promises broken": len(found), **run.figures()}.items():
            record_property(name, value)
        assert found == []


@pytest.mark.skipif(not IS_LONG, reason="is for `make test-faults`")
@needs_strace
async def test_a_service_whose_fsync_does_nothing_is_found_out(
    disk: PoweredDisk, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The same disk, the same cut: bytes that nobody has told the disk to keep are lost."""
    folder = disk.root / "service"
    async with killing.killing(folder, lambda: Server(folder, new=True, **SETTINGS), SEED) as run:
        load, stop = run.load, asyncio.Event()
        await run.ready()
        workers = killing.worker(run.server)
        nothing = ("--trace=fsync,fdatasync", "--inject=fsync,fdatasync:retval=0")
        running = asyncio.create_task(load.run(stop))
        with traced(workers, tmp_path / "trace", "-f", *nothing):
            await asyncio.to_thread(eventually, lambda: load.writes >= WRITES)
        await cut(run, disk)
        stop.set()
        await running
        found = await reckoning.faults(load, folder)
    verified = [each for each in found if each.startswith("verify: private/")]
    record_property("images acknowledged", load.images)
    record_property("images found missing or damaged", len(verified))
    assert verified
