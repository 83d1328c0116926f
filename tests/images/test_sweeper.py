"""The sweep by itself: due or not, and never twice at once, however many services there are."""

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path

import asyncpg
import httpx
import pytest

from image_service.database.locks import Lock
from image_service.images.upkeep import runs
from image_service.images.upkeep.sweeper import SweepUnderWay
from image_service.parts import sweeper_of
from image_service.storage.local import LocalStorage
from tests.broken_log import broken_log
from tests.conftest import NewDatabase, Service, StartService
from tests.images import blobs
from tests.images.blobs import sweep
from tests.processes import DEADLINE

INTERVAL = 0.5


class Watched(LocalStorage):
    """Knows how often it was swept, and notices two at once; shared by services, as a folder is."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.times: list[float] = []
        self.swept: asyncio.Queue[None] = asyncio.Queue()
        self._sweeping = False

    async def check(self) -> datetime:
        """Asked for the time by every sweep."""
        assert not self._sweeping
        self._sweeping = True
        self.times.append(time.monotonic())
        now = await super().check()
        await asyncio.sleep(INTERVAL / 5)  # long enough for the others to come by
        self._sweeping = False
        self.swept.put_nowait(None)
        return now


async def test_four_services_sweep_once_an_interval(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    storage, url = Watched(tmp_path / "blobs"), await new_database()
    async with AsyncExitStack() as stack:
        for _ in range(4):
            started = start_service(
                parts={"storage": storage}, database_url=url, data_dir=tmp_path, sweep_interval=INTERVAL
            )
            service = await stack.enter_async_context(started)
        async with asyncio.timeout(DEADLINE):
            while len(storage.times) < 4:
                await storage.swept.get()
        pauses = [later - earlier for earlier, later in zip(storage.times, storage.times[1:], strict=False)]
        assert min(pauses) >= INTERVAL
        result = (await runs.results(service.database))[runs.SWEEP]
        assert not result.failed


async def test_a_log_that_fails_ends_no_sweeping(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    storage = Watched(tmp_path / "blobs")
    async with start_service(
        parts={"storage": storage}, database_url=await new_database(), data_dir=tmp_path, sweep_interval=INTERVAL
    ):
        before = len(storage.times)
        with broken_log():
            async with asyncio.timeout(DEADLINE):
                while len(storage.times) < before + 3:
                    await storage.swept.get()


async def test_not_while_another_has_the_lock(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    storage, url = Watched(tmp_path / "blobs"), await new_database()
    other = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await other.execute("SELECT pg_advisory_lock($1)", Lock.SWEEP)
        async with start_service(
            parts={"storage": storage}, database_url=url, data_dir=tmp_path, sweep_interval=INTERVAL
        ) as service:
            storage.times.clear()
            by_hand = sweeper_of(service.settings, service.database, storage)
            with pytest.raises(SweepUnderWay):
                await by_hand.run()
            asked = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory_lock%'"
            async with asyncio.timeout(DEADLINE):  # it has come by, and gone again
                while not await other.fetchval(asked + " AND pid <> pg_backend_pid()"):
                    pass
            assert storage.times == []
            assert (await by_hand.run(dry_run=True)).strays == 0  # which harms nobody
            storage.times.clear()
            await other.execute("SELECT pg_advisory_unlock($1)", Lock.SWEEP)
            async with asyncio.timeout(DEADLINE):
                while not storage.times:
                    await storage.swept.get()
    finally:
        await other.close()


async def test_what_is_swept_by_hand_is_not_due(shop: httpx.AsyncClient, empty: Service) -> None:
    assert shop
    await sweep(empty)
    hour = blobs.OLD / 25
    assert not await runs.is_due(empty.database, runs.SWEEP, hour)
    assert await runs.is_due(empty.database, runs.SWEEP, hour * 0)
    assert await runs.is_due(empty.database, runs.VERIFY, hour)


async def test_zero_is_never(start_service: StartService, new_database: NewDatabase, tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with start_service(database_url=await new_database(), data_dir=tmp_path, sweep_interval=0):
        quiet = asyncio.all_tasks() - before
    async with start_service(database_url=await new_database(), data_dir=tmp_path / "other", sweep_interval=3600):
        assert len(asyncio.all_tasks() - before) == len(quiet) + 1
