"""Asynchronous syncs of galleries."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import structlog

from image_service.database.database import Database
from image_service.database.direct import Transaction
from image_service.errors import ImageServiceError, PreconditionFailed, SyncStopped
from image_service.galleries.entries import Entry, Missing, OnError, Refetch, Wanted
from image_service.galleries.plan import Outcome, Receipt
from image_service.galleries.sync import GallerySync, Synced
from image_service.images import queries
from image_service.images.library import UNCHANGED
from image_service.images.queries import Gallery, Image
from image_service.jobs import store_jobs
from image_service.jobs.ends import Failed
from image_service.jobs.receipts import merged, reason_of, receipt
from image_service.jobs.retries import Retries
from image_service.jobs.store_jobs import NewJob, StoreJob
from image_service.queue.task import Again

log = structlog.get_logger()

KIND = "sync"


@dataclass(frozen=True)
class SyncAsked:
    product_id: int
    wanted: Wanted
    expected: frozenset[int] | None  # `If-Match`: tested when the gallery is changed
    left: int | None = None  # the gallery's revision after the try before; None in the first try

    def job(self, store_id: int) -> NewJob:
        asked = {
            "product_id": self.product_id,
            "entries": [_told(entry) for entry in self.wanted.entries],
            "missing": str(self.wanted.missing),
            "refetch": str(self.wanted.refetch),
            "on_error": str(self.wanted.on_error),
            "expected": None if self.expected is None else sorted(self.expected),
        }
        return NewJob(store_id, KIND, asked)

    @classmethod
    def of(cls, job: StoreJob) -> "SyncAsked":
        asked = job.asked
        entries = tuple(Entry(**{"alt": UNCHANGED, **entry}) for entry in asked["entries"])
        wanted = Wanted(entries, Missing(asked["missing"]), Refetch(asked["refetch"]), OnError(asked["on_error"]))
        expected = None if asked["expected"] is None else frozenset(asked["expected"])
        return cls(asked["product_id"], wanted, expected, asked.get("left"))


class Syncs:
    def __init__(
        self, database: Database, sync: GallerySync, show: Callable[[Image], dict[str, Any]], retries: Retries
    ) -> None:
        """`show` converts an image to its part of the job's result."""
        self._database = database
        self._sync = sync
        self._show = show
        self._retries = retries

    async def run(self, job: StoreJob) -> None:
        """Makes one try, which stores the images that were fetched. A retry fetches the others. If somebody else has
        changed the gallery since the last try, the job ends instead: a retry would undo that change.

        Raises `Again`, `Failed`, and errors that are not the request's fault.
        """
        asked = SyncAsked.of(job)
        expected = asked.expected if asked.left is None else frozenset((asked.left,))
        pause: float | None = None

        async def keep(transaction: Transaction, synced: Synced) -> None:
            nonlocal pause
            receipts = merged(job.receipts, [each.shown() for each in synced.receipts])
            # With `If-Match` there is no retry: this try has changed the revision.
            pause = None if asked.expected is not None else self._pause(job, synced.receipts)
            if pause is None:
                await store_jobs.finish(transaction, job, self._result(synced.gallery), receipts)
            else:
                await store_jobs.note_refusal(transaction, job, receipts, job.asked | {"left": synced.gallery.revision})

        try:
            await self._sync.run(job.store_id, asked.product_id, asked.wanted, expected=expected, keep=keep)
        except SyncStopped as stopped:
            receipts = [each.shown() for each in stopped.receipts]
            pause = self._pause(job, stopped.receipts)
            if pause is None:
                raise Failed(receipts) from stopped
            async with self._database.changes() as transaction:
                await store_jobs.note_refusal(transaction, job, receipts, job.asked | {"left": stopped.revision})
        except PreconditionFailed as error:
            if asked.left is None:
                raise Failed([receipt(Outcome.FAILED, reason=reason_of(error))]) from error
            await self._end_overtaken(job, asked)
        except ImageServiceError as error:
            if (reason := reason_of(error)) is None:
                raise
            raise Failed([receipt(Outcome.FAILED, reason=reason)]) from error
        if pause is not None:
            log.info("sync not finished", job=job.id.hex, again=pause)
            raise Again(pause, "sync")

    async def _end_overtaken(self, job: StoreJob, asked: SyncAsked) -> None:
        """Somebody else has changed the gallery since the try before: that was the last one."""
        log.info("sync overtaken", job=job.id.hex)
        if asked.wanted.on_error is OnError.STOP:
            raise Failed(job.receipts)
        gallery = await queries.gallery(self._database, job.store_id, asked.product_id)
        async with self._database.changes() as transaction:
            await store_jobs.finish(transaction, job, self._result(gallery), job.receipts)

    def _result(self, gallery: Gallery) -> dict[str, Any]:
        return {"images": [self._show(image) for image in gallery.images], "revision": gallery.revision}

    def _pause(self, job: StoreJob, receipts: Sequence[Receipt]) -> float | None:
        """Seconds until the next try: the longest pause of the failed entries. None if none can be retried."""
        lost = [each.lost for each in receipts if each.lost is not None]
        pauses = [self._retries.pause(job.tries, job.first_refused_at, each.reason, each.retry_after) for each in lost]
        return max((pause for pause in pauses if pause is not None), default=None)


def _told(entry: Entry) -> dict[str, Any]:
    """The entry's set fields. An `alt` of null clears the text."""
    said = {name: value for name, value in asdict(entry).items() if name != "alt" and value is not None}
    return said if entry.alt is UNCHANGED else {**said, "alt": entry.alt}
