"""The sweep as it is run: once at a time in all processes and replicas, by hand or by itself, its result kept."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from image_service.database.database import Database
from image_service.errors import ImageServiceError
from image_service.images.library import Library
from image_service.images.upkeep import runs
from image_service.images.upkeep.sweep import ForgetJobs, Swept, sweep
from image_service.pixels.sizes import Size
from image_service.storage.base import Storage
from image_service.storage.staging import Staging

log = structlog.get_logger()

LOCK = 0x696D6703  # an advisory lock's number; alembic/env.py has the one before
LOOKS = (0.05, 0.1)  # of the interval, at random: between two looks whether a sweep is due


class SweepUnderWay(ImageServiceError):
    """Another process is sweeping."""


@dataclass(frozen=True)
class Sweeper:
    database: Database
    storage: Storage
    staging: Staging
    library: Library
    sizes: tuple[Size, ...]
    orphan_ttl: float | None  # seconds
    forget_jobs: ForgetJobs | None = None

    async def run(self, *, dry_run: bool = False, force: bool = False) -> Swept:
        """Raises `SweepUnderWay`, and what `sweep` raises. Of a dry run nothing is kept."""
        if dry_run:
            return await self._sweep(dry_run=True, force=force)
        async with self.database.lock(LOCK) as mine:
            if not mine:
                raise SweepUnderWay("another sweep is under way")
            return await self._recorded(force=force)

    @asynccontextmanager
    async def every(self, interval: float) -> AsyncIterator[None]:
        """Sweep by itself, about once in `interval` seconds however many processes do this; 0: never."""
        task = asyncio.create_task(self._for_ever(interval)) if interval else None
        try:
            yield
        finally:
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def _for_ever(self, interval: float) -> None:
        while True:
            # A service that has just started has better things to do; and a thousand workers do not ask at once.
            await asyncio.sleep(interval * random.uniform(*LOOKS))  # noqa: S311 - nobody gains by guessing it
            try:
                await self._if_due(timedelta(seconds=interval))
            except ImageServiceError as error:
                log.error("sweep failed", reason=str(error))
            except Exception:
                log.exception("sweep failed")

    async def _if_due(self, interval: timedelta) -> None:
        if not await runs.is_due(self.database, runs.SWEEP, interval):
            return
        async with self.database.lock(LOCK) as mine:
            # Looked at again: whoever had the lock until now has just done it.
            if mine and await runs.is_due(self.database, runs.SWEEP, interval):
                log.info("swept", **vars(await self._recorded()))

    async def _recorded(self, *, force: bool = False) -> Swept:
        async with runs.recorded(self.database, runs.SWEEP) as counts:
            swept = await self._sweep(force=force)
            counts.update(vars(swept))
        return swept

    async def _sweep(self, *, dry_run: bool = False, force: bool = False) -> Swept:
        return await sweep(
            self.database,
            self.storage,
            self.staging,
            self.library,
            sizes=[str(size) for size in self.sizes],
            orphan_ttl=None if self.orphan_ttl is None else timedelta(seconds=self.orphan_ttl),
            forget_jobs=self.forget_jobs,
            dry_run=dry_run,
            force=force,
        )
