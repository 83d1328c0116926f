"""Asynchronous syncs of galleries."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import structlog

from image_service.database.database import Database
from image_service.database.direct import Transaction
from image_service.errors import ImageServiceError, PictureRefused, Refusal, SyncStopped
from image_service.galleries.entries import Entry, Missing, OnError, Refetch, Wanted
from image_service.galleries.plan import Receipt
from image_service.galleries.sync import GallerySync, Synced
from image_service.images.library import UNCHANGED
from image_service.images.queries import Image
from image_service.jobs import store_jobs
from image_service.jobs.ends import Failed
from image_service.jobs.receipts import FAILED, reason_of, receipt
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
        return cls(asked["product_id"], wanted, expected)


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
        """Makes one try. It stores the images that were fetched; a later try fetches the rest.

        Raises `Again`, `Failed`, and errors that are not the request's fault.
        """
        asked = SyncAsked.of(job)
        pause: float | None = None
        receipts: list[dict[str, Any]] = []

        async def keep(transaction: Transaction, synced: Synced) -> None:
            nonlocal pause, receipts
            receipts = [each.shown() for each in synced.receipts]
            # With `If-Match` there is no retry: this try has changed the revision.
            pause = None if asked.expected is not None else self._pause(job, synced.receipts)
            if pause is None:
                images = [self._show(image) for image in synced.gallery.images]
                result = {"images": images, "revision": synced.gallery.revision}
                await store_jobs.finish(transaction, job, result, receipts)

        try:
            await self._sync.run(job.store_id, asked.product_id, asked.wanted, expected=asked.expected, keep=keep)
        except SyncStopped as stopped:
            receipts = [each.shown() for each in stopped.receipts]
            pause = self._pause(job, stopped.receipts)
            if pause is None:
                raise Failed(receipts) from stopped
        except ImageServiceError as error:
            if (reason := reason_of(error)) is None:
                raise
            raise Failed([receipt(FAILED, reason=reason)]) from error
        if pause is not None:
            log.info("sync not finished", job=job.id.hex, again=pause)
            await store_jobs.note(self._database, job, receipts)
            raise Again(pause, "sync")

    def _pause(self, job: StoreJob, receipts: Sequence[Receipt]) -> float | None:
        """Seconds until the next try: the longest pause of the failed entries. None if none can be retried."""
        failed = [
            PictureRefused("src", Refusal.NOT_FETCHED, reason=each.lost.reason, retry_after=each.lost.retry_after)
            for each in receipts
            if each.lost is not None
        ]
        pauses = [pause for each in failed if (pause := self._retries.pause(job, each)) is not None]
        return max(pauses, default=None)


def _told(entry: Entry) -> dict[str, Any]:
    """The entry's set fields. An `alt` of null clears the text."""
    said = {name: value for name, value in asdict(entry).items() if name != "alt" and value is not None}
    return said if entry.alt is UNCHANGED else {**said, "alt": entry.alt}
