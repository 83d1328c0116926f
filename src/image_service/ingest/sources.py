"""Turns received bytes into a checked `Picture` on local disk. The only way to make one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from image_service.errors import Busy, PictureRefused, Refusal
from image_service.ingest import base64_text
from image_service.ingest.fetch import Fetcher, FetchFailed, FetchReason
from image_service.ingest.filenames import filename_of_url
from image_service.ingest.hosts.reasons import reason_of
from image_service.ingest.hosts.validators import Validators
from image_service.ingest.receiving import Receiver, too_heavy
from image_service.ingest.shares import Owner, Shares
from image_service.pixels.limits import Refused
from image_service.pixels.picture import Format, Kept, Picture
from image_service.pixels.pool.failures import ProbeFailed
from image_service.pixels.pool.pool import PixelPool
from image_service.storage.staging import Staging
from image_service.telemetry import metrics
from image_service.telemetry.metrics import Source

LARGE_BODIES_AT_ONCE = 4  # held in memory, some 45 MB each: a JSON body, its text, the bytes in it
MEMORY_WAIT_SECONDS = 10.0  # decoding one takes a tenth of a second


@dataclass(frozen=True)
class UploadResources:
    """Resources shared by a process's uploads."""

    staging: Staging
    pixels: PixelPool
    fetcher: Fetcher
    max_bytes: int  # of an image
    check_wait: float  # seconds for a place, and again for a free pixel process
    places: Shares
    memory: Shares = field(default_factory=lambda: Shares(LARGE_BODIES_AT_ONCE))
    for_jobs: bool = False  # no request waits for the checks


@dataclass(frozen=True)
class Download:
    """A host's response body on local disk; None if the known picture is unchanged."""

    received: Receiver | None
    filename: str
    validators: Validators


@dataclass(frozen=True)
class FromUrl:
    """A checked picture, its filename, and its host's validators."""

    picture: Picture
    filename: str
    validators: Validators


class Ingest:
    def __init__(self, resources: UploadResources) -> None:
        self._resources = resources
        self._under_way = 0  # intakes

    @asynccontextmanager
    async def intake(self, owner: Owner) -> AsyncIterator["Intake"]:
        """One request that may contain a picture. At the block's end its files are deleted and its place released."""
        try:
            async with AsyncExitStack() as held:
                held.enter_context(metrics.INGESTING.track_inprogress())
                held.enter_context(self._counted())
                intake = Intake(owner, held, self._resources, lambda: self._under_way - 1)
                yield intake
        except PictureRefused as refused:
            metrics.INGESTED.labels(refused.field, refused.refusal).inc()
            raise
        else:
            intake.count()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    def host_of(self, url: str, field: str = "src") -> str:
        """The URL's host. Raises `PictureRefused` if the URL itself is invalid."""
        with _told(field, self._resources.max_bytes):
            return self._resources.fetcher.judged(url).host


class Intake:
    def __init__(
        self, owner: Owner, held: AsyncExitStack, resources: UploadResources, others: Callable[[], int]
    ) -> None:
        """`others`: how many intakes are under way besides this one."""
        self._owner = owner
        self._held = held
        self._resources = resources
        self._others = others
        self._has_place = False
        self._accepted: tuple[Source, int] | None = None

    def accepts(self, source: Source, size: int = 0) -> None:
        """Count this upload, if it succeeds, as `size` new bytes from `source`."""
        self._accepted = source, size

    def assigns(self) -> None:
        """The request names a stored picture."""
        self.accepts(Source.IMAGE_ID)

    def count(self) -> None:
        """Count a success. Not every body contains a picture."""
        if self._accepted is not None:
            source, size = self._accepted
            metrics.INGESTED.labels(source, metrics.ACCEPTED).inc()
            metrics.INGESTED_BYTES.labels(source).inc(size)

    @asynccontextmanager
    async def in_memory(self) -> AsyncIterator[None]:
        """Take a place among the few bodies held in memory as a whole. Raises `Busy` if none is free in time."""
        async with self._resources.memory.place(self._owner, MEMORY_WAIT_SECONDS, "large bodies"):
            yield

    async def _take_place(self) -> None:
        """Take a place for checking and storing, until the request ends. A body takes none while it arrives, however
        slowly, or if it has no picture. Raises `Busy`.
        """
        if self._has_place:
            return
        with metrics.UPLOADS_WAITING.track_inprogress():
            place = self._resources.places.place(self._owner, self._resources.check_wait, "uploads")
            await self._held.enter_async_context(place)
        self._held.enter_context(metrics.UPLOADS.track_inprogress())
        self._has_place = True

    async def receiver(self, field: str, max_bytes: int | None = None, *, is_kept: bool = True) -> Receiver:
        """A staged file to write to, limited to an image's bytes or `max_bytes`. It has a digest only if `is_kept`."""
        path = await self._held.enter_async_context(self._resources.staging.file())
        return Receiver(path, field, max_bytes or self._resources.max_bytes, is_kept=is_kept)

    async def from_base64(self, text: bytes, field: str = "attachment") -> Receiver:
        """Decodes to disk. `from_upload` refuses invalid base64: the request's other fields are checked first.

        Raises `PictureRefused` (too heavy), `StorageFull`, `StorageUnavailable`.
        """
        received = await self.receiver(field)
        data = await asyncio.to_thread(base64_text.decoded, text)
        received.is_base64 = data is not None
        await received.write(data or b"")
        await received.flush()
        return received

    async def from_upload(
        self, received: Receiver, source: Source | None = None, *, formats: Collection[Format] = ()
    ) -> Picture:
        """Check received bytes. Pass `source` if the field does not imply it. `formats` are the accepted ones, by
        default those of the settings.

        Raises `PictureRefused`, `Busy`, `StorageFull`, `StorageUnavailable`; so does `from_url`.
        """
        await received.flush()
        if not received.is_base64:
            raise PictureRefused(received.field, Refusal.NOT_BASE64)
        await self._take_place()
        keep = self._new_kept()
        try:
            probe = await self._resources.pixels.probe(
                received.path,
                wait=self._resources.check_wait,
                formats=formats,
                owner=self._owner.store_id,
                keep=keep,
                later=self._resources.for_jobs,
                others=self._others(),
            )
        except Refused as refused:
            raise PictureRefused(
                received.field,
                refused.refusal,
                formats=tuple(formats) or self._resources.pixels.formats,
                kind=refused.kind,
                detail=refused.detail,
            ) from None
        except ProbeFailed as failed:
            raise Busy(f"the picture could not be checked: {failed}") from failed
        self.accepts(source or Source(received.field), probe.end)
        return Picture(
            path=received.path,
            sha256=await received.sha256(probe.end),
            bytes=probe.end,
            format=probe.format,
            width=probe.width,
            height=probe.height,
            frames=probe.frames,
            thumbhash=probe.thumbhash,
            kept=Kept(keep, probe.kept) if keep is not None and probe.kept is not None else None,
        )

    def _new_kept(self) -> Path | None:
        """A file for the picture's pixels, deleted at the end unless the picture was stored."""
        cache = self._resources.pixels.kept
        if cache is None or not cache.has_room():
            return None
        path = cache.new()
        self._held.callback(cache.discard, path)
        return path

    async def from_url(self, url: str, field: str = "src", *, formats: Collection[Format] = ()) -> FromUrl:
        """Fetch and check a picture. The error says what is wrong with the URL's text. All later failures, until a
        checked public host has responded, have the same text."""
        download = await self.download(url, field)
        return await self.checked(download, formats=formats)

    async def download(self, url: str, field: str = "src", *, known: Validators | None = None) -> Download:
        """Fetch a URL without checking the picture. With `known` the request is conditional.

        Raises `PictureRefused`, `Busy`, `StorageFull`, `StorageUnavailable`.
        """
        received: Receiver | None = None

        async def write(part: bytes) -> None:
            nonlocal received
            if received is None:  # most hosts respond to a conditional request without a body
                received = await self.receiver(field)
            await received.write(part)

        with _told(field, self._resources.max_bytes):
            fetched = await self._resources.fetcher.fetch(url, write, self._owner, known)
        if received is not None:
            await received.flush()
        return Download(received, fetched.filename or filename_of_url(url), fetched.validators)

    async def is_known(self, url: str, known: Validators, field: str = "src") -> bool:
        """Whether the host says that `known` is its current picture. Fetches no picture.

        Raises `PictureRefused`, `Busy`.
        """
        with _told(field, self._resources.max_bytes):
            return (await self._resources.fetcher.fetch(url, None, self._owner, known)).is_unchanged

    async def checked(self, download: Download, *, formats: Collection[Format] = ()) -> FromUrl:
        """Check a download. Raises as `from_upload` does."""
        if download.received is None:
            raise ValueError("nothing was sent")
        picture = await self.from_upload(download.received, formats=formats)
        return FromUrl(picture, download.filename, download.validators)


@contextmanager
def _told(field: str, max_bytes: int) -> Iterator[None]:
    """Translates fetch errors to `PictureRefused`."""
    try:
        yield
    except FetchFailed as failed:
        if failed.reason is FetchReason.TOO_HEAVY:
            raise too_heavy(field, max_bytes, fetched=True) from None
        detail = f"{failed.reason} {failed.detail}"
        raise PictureRefused(
            field,
            Refusal.NOT_FETCHED,
            answer=failed.public,
            detail=detail,
            reason=reason_of(failed),
            status=failed.status,
            retry_after=failed.retry_after,
        ) from None
