"""SIGTERM under load: what is under way is finished, the rest is refused, and nothing is done without an answer."""

import asyncio
from pathlib import Path
from typing import Any

from tests.faults import killing, reckoning
from tests.faults.killing import SETTINGS
from tests.faults.load import AGAIN
from tests.faults.runs import IS_LONG
from tests.processes import Server, eventually

ROUNDS = 4 if IS_LONG else 1
DEEDS = 20  # between two stops
GRACE = 20.0  # seconds: STOP_GRACE's default, and nothing under load takes that long
SEED = 2


def done(server: Server) -> int:
    """Writes that this start has ended, and not with "send it again"."""
    writes: list[dict[str, Any]] = [
        line for method in ("POST", "PUT", "DELETE") for line in server.logged(event="request", method=method)
    ]
    return len([line for line in writes if line["status"] not in AGAIN])


async def test_a_stop_under_load(tmp_path: Path) -> None:
    folder, before = tmp_path / "service", 0
    async with killing.killing(folder, lambda: Server(folder, "--workers", "2", **SETTINGS), SEED) as run:
        load, stop = run.load, asyncio.Event()
        await run.ready()
        running = asyncio.create_task(load.run(stop))
        for _ in range(ROUNDS):
            wanted = load.writes + DEEDS
            await asyncio.to_thread(eventually, lambda wanted=wanted: load.writes >= wanted)
            run.server.process.terminate()
            assert await asyncio.to_thread(run.server.process.wait, GRACE) == 0
            assert load.writes - before == done(run.server)
            before = load.writes
            left = [*(run.server.data / "staging").iterdir(), *(run.server.data / "blobs/tmp").iterdir()]
            assert left == []
            run.server = await asyncio.to_thread(run.start)
        stop.set()
        await running
        await run.ready()
        assert load.repeated["half an answer"] == 0
        assert await reckoning.faults(load, folder) == []
