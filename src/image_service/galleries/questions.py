"""Answers a plan's questions: fetches pictures from hosts concurrently, and looks up bytes in this store."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TypeVar

from image_service.database.database import Database
from image_service.errors import Busy, ImageServiceError, PictureRefused
from image_service.galleries.copies import copied
from image_service.galleries.entries import Refetch, Target
from image_service.galleries.plan import NO_SUCH_BYTES, Answer, Here, Later, Lost, Question, Same
from image_service.images import queries
from image_service.images.blobs import Blobs
from image_service.images.queries import Image
from image_service.images.syncing import sources
from image_service.images.syncing.arrange import Bytes
from image_service.images.syncing.sources import Validators as KnownValidators
from image_service.images.upload import Upload
from image_service.ingest.fetch_url import host_of
from image_service.ingest.filenames import clean_filename
from image_service.ingest.hosts.validators import Validators
from image_service.ingest.shares import Owner
from image_service.ingest.sources import FromUrl, Ingest, Intake
from image_service.pixels.picture import Format
from image_service.storage.base import Storage
from image_service.telemetry import metrics
from image_service.telemetry.metrics import Saved

AT_ONCE = 8  # fetches of one sync: the rest of the store's share is for its other requests
OF_A_HOST = 4  # of these to one host
AGAIN_SECONDS = 0.1  # before the next try after `Busy`

TIMED_OUT = "timed_out"

Found = TypeVar("Found")


@dataclass(frozen=True)
class Resources:
    """What syncs share."""

    database: Database
    storage: Storage
    blobs: Blobs
    ingest: Ingest
    formats: Collection[Format]  # accepted ones


@dataclass
class Answers:
    """Answers of one sync. Received bytes are stored under their own keys, without rows yet."""

    resources: Resources
    store_id: int
    refetch: Refetch
    deadline: float  # by the loop's clock
    is_plan: bool = False  # nothing is fetched
    known: dict[int, Answer] = field(default_factory=dict)  # by the entry's index
    stored: dict[int, Bytes] = field(default_factory=dict)  # of those that are `Here`
    renamed: dict[int, tuple[str, KnownValidators]] = field(default_factory=dict)  # new validators of unchanged bytes

    def __post_init__(self) -> None:
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._of_host: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(OF_A_HOST))

    async def ask(self, questions: Sequence[Question]) -> None:
        """Answer all of them. Raises `StorageFull`, `StorageUnavailable`, `DatabaseUnavailable`."""
        validators = await self._validators_of(questions)
        try:
            async with asyncio.TaskGroup() as tasks:
                for question in questions:
                    image_id = question.image.id if question.image else 0
                    tasks.create_task(self._answer(question, validators.get(image_id)))
        except BaseExceptionGroup as group:
            raise _first(group) from None

    async def discard(self, used: Collection[int]) -> None:
        """Remove the bytes stored for entries that are not `used`."""
        unused = [bytes_.original for index, bytes_ in self.stored.items() if index not in used]
        await self.resources.blobs.discard_unused(*unused)

    async def _validators_of(self, questions: Sequence[Question]) -> dict[int, Validators]:
        if self.refetch is not Refetch.CHANGED:
            return {}
        ids = [question.image.id for question in questions if question.image is not None]
        found = await sources.known(self.resources.database, ids) if ids else {}
        return {image_id: Validators(row.final_url, row.etag, row.modified) for image_id, row in found.items()}

    async def _answer(self, question: Question, validators: Validators | None) -> None:
        target = question.target
        if (old := self.stored.pop(target.index, None)) is not None:
            await self.resources.blobs.discard_unused(old.original)
        try:
            self.known[target.index] = (
                await self._copy(target)
                if target.url is None
                else await self._source(target, target.url, question.image, validators)
            )
        except PictureRefused as refused:
            self.known[target.index] = Lost(refused.reason, refused.status, refused.retry_after)
        except TimeoutError:
            self.known[target.index] = Lost(TIMED_OUT)

    async def _copy(self, target: Target) -> Answer:
        image = await queries.image_with_bytes(self.resources.database, self.store_id, target.sha256 or "")
        if image is None:
            return Lost(NO_SUCH_BYTES)
        if self.is_plan:
            return Here(image.sha256)
        async with AsyncExitStack() as held:
            picture = await self._in_time(
                held, [self._at_once], lambda intake: copied(self.resources.storage, intake, image)
            )
            await self._store(target, Upload(picture, clean_filename(image.filename, picture.format)))
        return Here(picture.sha256)

    async def _source(self, target: Target, url: str, image: Image | None, known: Validators | None) -> Answer:
        """Raises `PictureRefused`: of a plan too if the URL's text alone says so."""
        if self.is_plan and (image is None or known is None or not known.names_anything):
            self.resources.ingest.host_of(url)
            return Later()
        async with AsyncExitStack() as held:
            # First the host's, so that a slow host does not use up the slots of the others.
            slots = [self._of_host[host_of(url)], self._at_once]
            found = await self._in_time(held, slots, lambda intake: self._asked(intake, url, image, known))
            if not isinstance(found, FromUrl):
                return found
            filename = clean_filename(target.filename or found.filename, found.picture.format)
            await self._store(target, Upload(found.picture, filename, url, found.validators))
            return Here(found.picture.sha256)

    async def _in_time(
        self, held: AsyncExitStack, slots: Sequence[asyncio.Semaphore], work: Callable[[Intake], Awaitable[Found]]
    ) -> Found:
        """Do `work` once it has the `slots`, and again for as long as it raises `Busy`. `held` releases them.

        Raises `TimeoutError` at the deadline.
        """
        async with asyncio.timeout_at(self.deadline):
            for slot in slots:
                await held.enter_async_context(slot)
            intake = await held.enter_async_context(self.resources.ingest.intake(Owner(self.store_id)))
            while True:
                try:
                    return await work(intake)
                except Busy:
                    await asyncio.sleep(AGAIN_SECONDS)

    async def _asked(self, intake: Intake, url: str, image: Image | None, known: Validators | None) -> Answer | FromUrl:
        if self.is_plan and image is not None and known is not None:
            return Same(image.sha256) if await intake.is_known(url, known) else Later()
        download = await intake.download(url, known=known)
        if image is not None and download.received is None:
            metrics.SYNC_SAVED.labels(Saved.NOT_MODIFIED).inc()
            return Same(image.sha256)
        received = download.received
        if image is not None and received is not None and await received.begins_with(image.bytes, image.sha256):
            if download.validators != known:
                self.renamed[image.id] = image.key, download.validators
            metrics.SYNC_SAVED.labels(Saved.SAME_BYTES).inc()
            return Same(image.sha256)
        return await intake.checked(download, formats=self.resources.formats)

    async def _store(self, target: Target, upload: Upload) -> None:
        self.stored[target.index] = Bytes(upload, await self.resources.blobs.store(upload.picture))


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """One `ImageServiceError` of the group, else any error."""
    ours = group.subgroup(lambda error: isinstance(error, ImageServiceError))
    error: BaseException = ours or group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
