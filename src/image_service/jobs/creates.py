"""Asynchronous creates by URL: the response precedes the fetch."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from image_service.database.database import Database
from image_service.database.direct import Transaction
from image_service.errors import ImageServiceError, PictureRefused
from image_service.galleries.plan import Outcome
from image_service.images.library import Alt, Library
from image_service.images.queries import Image
from image_service.images.upload import Upload
from image_service.ingest.filenames import clean_filename
from image_service.ingest.shares import Owner
from image_service.ingest.sources import Ingest
from image_service.jobs import store_jobs
from image_service.jobs.ends import Failed
from image_service.jobs.receipts import reason_of, receipt, waiting
from image_service.jobs.retries import Retries
from image_service.jobs.store_jobs import NewJob, StoreJob
from image_service.pixels.picture import Format
from image_service.queue.task import Again

log = structlog.get_logger()

KIND = "create"


@dataclass(frozen=True)
class CreateAsked:
    """A request for an image of a product, from a checked URL."""

    product_id: int
    src: str
    filename: str | None
    position: int | None
    alt: Alt
    formats: tuple[Format, ...]  # that the requested API accepts
    expected: frozenset[int] | None  # `If-Match`: tested when the image is made

    def job(self, store_id: int, host: str) -> NewJob:
        expected = None if self.expected is None else sorted(self.expected)
        asked = {**vars(self), "formats": [str(each) for each in self.formats], "expected": expected}
        return NewJob(store_id, KIND, asked, lane=host)

    @classmethod
    def of(cls, job: StoreJob) -> "CreateAsked":
        asked = dict(job.asked)
        asked["formats"] = tuple(Format(each) for each in asked["formats"])
        asked["expected"] = None if asked["expected"] is None else frozenset(asked["expected"])
        return cls(**asked)


class Creates:
    def __init__(
        self,
        database: Database,
        ingest: Ingest,
        library: Library,
        show: Callable[[Image], dict[str, Any]],
        retries: Retries,
    ) -> None:
        """`show` converts an image to the job's result."""
        self._database = database
        self._ingest = ingest
        self._library = library
        self._show = show
        self._retries = retries

    async def run(self, job: StoreJob) -> None:
        """Makes one try. Raises `Again`, `Failed`, and errors that are not the request's fault."""
        try:
            await self._create(job, CreateAsked.of(job))
        except ImageServiceError as error:
            reason = reason_of(error)
            if reason is None:
                raise
            status, pause = None, None
            if isinstance(error, PictureRefused):
                status = error.status
                pause = self._retries.pause(job.tries, job.first_refused_at, reason, error.retry_after)
            log.info("asynchronous create failed", job=job.id.hex, reason=str(error), again=pause)
            if pause is None:
                raise Failed([receipt(Outcome.FAILED, reason=reason, status=status)]) from error
            async with self._database.changes() as transaction:
                await store_jobs.note_refusal(transaction, job, [waiting(reason, status)])
            raise Again(pause, reason) from error

    async def _create(self, job: StoreJob, asked: CreateAsked) -> None:
        async with self._ingest.intake(Owner(job.store_id)) as intake:
            found = await intake.from_url(asked.src, formats=asked.formats)
            filename = clean_filename(asked.filename or found.filename, found.picture.format)
            await self._library.add(
                job.store_id,
                Upload(found.picture, filename, asked.src, found.validators),
                product_id=asked.product_id,
                position=asked.position,
                alt=asked.alt,
                expected=asked.expected,
                job_number=job.number,
                within=partial(self._finish, job),
            )

    async def _finish(self, job: StoreJob, transaction: Transaction, image: Image) -> None:
        await store_jobs.finish(transaction, job, self._show(image), [receipt(Outcome.ADDED, id=image.id)])
