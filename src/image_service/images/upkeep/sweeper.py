"""Runs the sweep: one at a time in all replicas, manually or periodically. Stores the result."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from image_service.background import running
from image_service.database.database import Database
from image_service.database.locks import Lock
from image_service.errors import ImageServiceError
from image_service.images import instance
from image_service.images.library import Library
from image_service.images.upkeep import runs
from image_service.images.upkeep.audit import Audit, Round, SweepRefused
from image_service.images.upkeep.sweep import ForgetJobs, Swept, sweep
from image_service.pixels.sizes import Size
from image_service.storage.base import Storage
from image_service.storage.staging import Staging

log = structlog.get_logger()

SWEPT_WITHIN = timedelta(days=2)  # else a database may have been restored from before the last sweep
MARGIN = timedelta(minutes=10)  # longer than any transaction that deletes an image
LOOKS = (0.05, 0.1)  # of the interval, at random: between checks whether a sweep is due


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
    audit_interval: float  # seconds; 0: audits only where one is needed
    forget_jobs: ForgetJobs | None = None

    async def run(self, *, audit: bool = False, dry_run: bool = False, force: bool = False) -> Swept:
        """Sweep with a whole `audit`, or with what is due or needed of one. A dry run stores nothing.

        Raises `SweepUnderWay`, `SweepRefused`, and what `sweep` raises.
        """
        if dry_run:
            return await self._sweep(audit=audit, dry_run=True, force=force)
        async with self.database.lock(Lock.SWEEP) as mine:
            if not mine:
                raise SweepUnderWay("another sweep is under way")
            return await self._recorded(audit=audit, force=force)

    @asynccontextmanager
    async def every(self, interval: float) -> AsyncIterator[None]:
        """Sweep by itself, about once in `interval` seconds however many processes do this; 0: never."""
        async with running(self._for_ever(interval)) if interval else nullcontext():
            yield

    async def _for_ever(self, interval: float) -> None:
        while True:
            # Sleep first: a service is busy when it starts, and a thousand workers must not ask at once.
            await asyncio.sleep(interval * random.uniform(*LOOKS))  # noqa: S311 - not a secret
            with suppress(Exception):  # an error in the error handling below must not end this loop
                try:
                    await self._if_due(timedelta(seconds=interval))
                except ImageServiceError as error:
                    log.error("sweep failed", reason=str(error))
                except Exception:
                    log.exception("sweep failed")

    async def _if_due(self, interval: timedelta) -> None:
        if not await runs.is_due(self.database, runs.SWEEP, interval):
            return
        async with self.database.lock(Lock.SWEEP) as mine:
            # Look again: the process that held the lock until now may have just done it.
            if mine and await runs.is_due(self.database, runs.SWEEP, interval):
                log.info("swept", **vars(await self._recorded()))

    async def _recorded(self, *, audit: bool = False, force: bool = False) -> Swept:
        async with runs.recorded(self.database, runs.SWEEP) as counts:
            try:
                swept = await self._sweep(audit=audit, force=force)
            except SweepRefused:
                await runs.failed(self.database, runs.AUDIT)
                raise
            counts.update(vars(swept))
        return swept

    async def _audit(self, *, asked: bool, dry_run: bool, force: bool) -> Audit | None:
        """A whole audit if asked for or needed; else a part of one that is due or under way; or None."""
        mark, left = await instance.is_as_left(self.database, self.storage)
        under_way = await runs.cursor_of(self.database, runs.AUDIT, Round)
        interval, now = timedelta(seconds=self.audit_interval), time.time()
        if asked or not left or not await runs.has_succeeded(self.database, runs.SWEEP, SWEPT_WITHIN):
            # Resume an interrupted audit if nothing seems to have been restored since.
            recent = under_way is not None and now - under_way.at < SWEPT_WITHIN.total_seconds()
            if under_way is None or dry_run or not (under_way.whole and under_way.mark == mark and recent):
                under_way = Round(whole=True, mark=mark, began=now, at=now)
        elif under_way is not None:
            under_way = replace(under_way, whole=False)
        elif interval and await runs.is_due(self.database, runs.AUDIT, interval):
            under_way = Round(whole=False, mark=mark, began=now, at=now)
        else:
            return None
        return Audit(self.database, self.storage, under_way, interval=self.audit_interval, dry_run=dry_run, force=force)

    async def _since(self) -> datetime | None:
        """When the last sweep that succeeded began, and a little before."""
        last = (await runs.results(self.database))[runs.SWEEP]
        return datetime.fromtimestamp(last.last_success - last.seconds, UTC) - MARGIN if last.last_success else None

    async def _sweep(self, *, audit: bool, dry_run: bool = False, force: bool = False) -> Swept:
        begun = await self._audit(asked=audit, dry_run=dry_run, force=force)
        return await sweep(
            self.database,
            self.storage,
            self.staging,
            self.library,
            sizes=[str(size) for size in self.sizes],
            audit=begun.run if begun else None,
            since=await self._since(),
            orphan_ttl=None if self.orphan_ttl is None else timedelta(seconds=self.orphan_ttl),
            forget_jobs=self.forget_jobs,
            dry_run=dry_run,
        )
