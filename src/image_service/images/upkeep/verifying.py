"""Runs verify: one at a time, rate-limited, resumed after a stop. Stores the result."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from image_service.database.database import Database
from image_service.database.locks import Lock
from image_service.errors import ImageServiceError
from image_service.images import instance
from image_service.images.upkeep import runs
from image_service.images.upkeep.verify import All, OriginalState, Rows, Sample, Verified, verify
from image_service.storage.base import Storage

RESUMED_WITHIN = 30 * 86_400.0  # seconds after a stop
KEPT_EVERY = 5.0  # seconds that a stop may lose
MOST_NAMED = 1000  # bad originals listed in the result; all are counted


class VerifyUnderWay(ImageServiceError):
    """Another process is verifying."""


@dataclass(frozen=True)
class Verification:
    """A verification's progress and results."""

    share: float  # of all originals: 1, or that of a sample
    read: bool  # all bytes, also where the store has a checksum
    seed: float  # of the sample
    began: float  # Unix time
    at: float  # Unix time: when this was kept
    place: str = ""
    seconds: float = 0.0  # of work
    bytes_read: int = 0  # originals of which the bytes were read
    counts: dict[str, int] = field(default_factory=lambda: {str(state): 0 for state in OriginalState})
    bad: list[dict[str, Any]] = field(default_factory=list)

    @property
    def done(self) -> int:
        return sum(self.counts.values())

    @property
    def rows(self) -> Rows:
        return All() if self.share == 1 else Sample(self.share, self.seed)

    def with_one(self, found: Verified) -> Self:
        bad = [{name: value for name, value in vars(found).items() if name != "read"}]
        is_named = found.state is not OriginalState.WHOLE and len(self.bad) < MOST_NAMED
        return replace(
            self,
            counts=self.counts | {found.state: self.counts[found.state] + 1},
            bytes_read=self.bytes_read + found.read,
            bad=self.bad + bad if is_named else self.bad,
        )


async def run(
    database: Database,
    storage: Storage,
    *,
    share: float = 1.0,
    read: bool = False,
    rate: float | None = None,
    anew: bool = False,
    kept_every: float = KEPT_EVERY,
    say: Callable[[Verification], None] = lambda _: None,
) -> Verification:
    """Verify all originals, or a random `share`, at most `rate` a second. Resumes a stopped run of the same kind,
    unless `anew`, and passes it to `say`.

    Raises `VerifyUnderWay`, `InstanceMismatch`, and what `verify` raises.
    """
    job = runs.VERIFY if share == 1 else runs.VERIFY_SAMPLE
    async with database.lock(Lock.VERIFY) as mine:
        if not mine:
            raise VerifyUnderWay("another verify is under way")
        await instance.check(database, storage)  # nothing is recorded of another installation's blob store
        now = time.time()
        kept = None if anew else await runs.cursor_of(database, job, Verification)
        begun = Verification(share, read, random.random(), now, now)  # noqa: S311 - not a secret
        if kept and (kept.share, kept.read) == (share, read) and now - kept.at < RESUMED_WITHIN:
            begun = kept
            say(begun)
        try:
            ended = await _to_its_end(database, storage, begun, job, rate, kept_every)
        except Exception:
            await runs.failed(database, job)
            raise
        await runs.succeeded(database, job, ended.seconds, ended.counts)
        return ended


async def _to_its_end(
    database: Database, storage: Storage, begun: Verification, job: str, rate: float | None, kept_every: float
) -> Verification:
    since = noted = time.monotonic()
    so_far, place = begun, begun.place
    while True:
        rows, next_place = await begun.rows.after(database, place)
        async for found in verify(database, storage, read=begun.read, rows=rows):
            so_far = so_far.with_one(found)
            if rate:
                await asyncio.sleep(max(0.0, since + (so_far.done - begun.done) / rate - time.monotonic()))
        so_far = replace(so_far, seconds=begun.seconds + time.monotonic() - since)
        if next_place is None:
            return so_far
        so_far, place = replace(so_far, place=next_place, at=time.time()), next_place
        if time.monotonic() - noted >= kept_every:
            await runs.keep_cursor(database, job, asdict(so_far))
            noted = time.monotonic()
