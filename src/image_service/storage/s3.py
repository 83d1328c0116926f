"""Blobs in a bucket of any S3-compatible store, through obstore.

    {prefix}/private/   originals and the instance id; each is written once, except for `names.REWRITTEN`
    {prefix}/public/    variants, with the response headers for a CDN on the bucket
    {prefix}/tmp/       short-lived blobs of `check`

Calls obstore in threads, one attempt at a time, and lets it keep no Python objects. Otherwise obstore's threads
could wait for an interpreter that is shutting down, which aborts the process (docs/decisions/0044).
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from image_service.errors import BlobNotFound, StorageUnavailable
from image_service.storage.base import CHUNK_BYTES, Blob, BlobHeaders, BlobInfo, BlobPart, ByteRange
from image_service.storage.fetching import fetch
from image_service.storage.local import named_failures
from image_service.storage.names import REWRITTEN
from image_service.storage.s3_calls import Calls, S3Limits, reason_of
from image_service.storage.staging import Staging

if TYPE_CHECKING:
    from obstore import Attributes, GetOptions, GetResult, ListStream, ObjectMeta

RESUMED = 3  # times that a read resumes after the connection broke
PUTS = 8  # at once: each upload is wholly in memory, 80 MB of originals in all
FILES = 64  # copies of originals in the staging folder at once, for rendering: 640 MB
SHA256 = "sha256"  # x-amz-meta-sha256; obstore cannot read back the checksum that `checksum_algorithm` sends
BATCH = 1000  # names in one DeleteObjects, and in one page of a list: S3's own limits

DAY = 86_400.0  # seconds


class S3Storage:
    """`storage.base.Storage` in an existing bucket, below `prefix` ("": the whole bucket).

    obstore reads endpoint, region and credentials from the usual AWS_* variables; `config` overrides them.
    Any number of processes may use one prefix. A `put` that is cancelled may still take effect, whole.
    Raises `ValueError` if the variables are invalid.
    """

    keeps_sha256: ClassVar[bool] = True

    def __init__(
        self,
        bucket: str,
        prefix: str,
        staging: Staging,
        config: Mapping[str, str] | None = None,
        limits: S3Limits | None = None,
    ) -> None:
        limits = limits or S3Limits()

        def client(**seconds: float) -> S3Store:
            # All in `config`: `client_options` would override the variables' client settings.
            timeouts = {name: f"{1000 * each:.0f} ms" for name, each in seconds.items()}
            own = {**(config or {}), "checksum_algorithm": "SHA256", **timeouts}
            try:
                return S3Store(bucket, prefix=prefix or None, config=own, retry_config={"max_retries": 0})  # type: ignore[arg-type]
            except BaseError as error:
                raise ValueError(reason_of(error)) from error

        self._staging = staging
        self._reads = client(timeout=DAY, read_timeout=limits.silent)  # a client may read slowly
        self._writes = client(timeout=limits.put)
        self._limits = limits
        self._calls = Calls(limits)
        self._putting = ThreadPoolExecutor(PUTS, thread_name_prefix="s3-put")
        self._files = asyncio.Semaphore(FILES)

    async def put(self, name: str, source: Path, headers: BlobHeaders) -> None:
        """Sends one request, with a checksum that the store verifies.

        Overwrites only `names.REWRITTEN`, and nothing in `public/`. If the same bytes exist under `private/`, an
        earlier attempt succeeded but its response was lost. If other bytes exist there, raises `StorageUnavailable`.
        """
        attributes: Attributes = {"Content-Type": headers.content_type, "Cache-Control": headers.cache_control}
        if headers.sha256 is not None:
            attributes[SHA256] = headers.sha256
        if headers.content_disposition is not None:
            attributes["Content-Disposition"] = headers.content_disposition

        def attempt() -> None:
            try:
                obstore.put(
                    self._writes,
                    name,
                    source,
                    attributes=attributes,
                    mode="overwrite" if name in REWRITTEN else "create",
                    use_multipart=False,  # an interrupted multipart upload would stay open in the bucket
                )
            except AlreadyExistsError as error:
                if not name.startswith("public/") and not _holds(self._reads, name, source):
                    raise StorageUnavailable(f"{name}: other bytes are there already") from error

        try:
            await self._calls.call(name, attempt, self._putting)
        except BlobNotFound as error:  # the source or the bucket is missing
            raise StorageUnavailable(str(error)) from error

    async def open(self, name: str, range: ByteRange | None = None) -> Blob:
        """The ETag is the store's own."""

        def attempt() -> "GetResult":
            if range is None:
                return obstore.get(self._reads, name)
            found = obstore.head(self._reads, name)
            options: GetOptions = {"range": range.within(found["size"]), "if_match": found["e_tag"]}
            return obstore.get(self._reads, name, options=options)

        result = await self._calls.call(name, attempt)
        chunks = self._chunks(name, result)
        start, stop = result.range
        return Blob(
            result.meta["size"], start, stop, _etag(result.meta), _modified(result.meta), chunks, aclose=chunks.aclose
        )

    async def _chunks(self, name: str, result: "GetResult") -> AsyncGenerator[bytes]:
        """If the connection breaks, resume at the same byte; `if_match` ensures the same blob."""
        position, stop = result.range
        for left in reversed(range(RESUMED + 1)):
            failure = "it ended early"
            stream = result.stream(CHUNK_BYTES)
            try:
                while chunk := await self._calls.in_thread(partial(next, stream, b"")):
                    position += len(chunk)
                    yield chunk
            except BaseError as error:
                failure = reason_of(error)
            if position == stop:
                return
            if not left:
                raise StorageUnavailable(f"{name}: {stop - position} bytes cannot be read: {failure}")
            rest: GetOptions = {"range": (position, stop), "if_match": _etag(result.meta)}
            try:
                result = await self._calls.call(name, partial(obstore.get, self._reads, name, options=rest))
            except BlobNotFound as error:
                raise StorageUnavailable(f"{name}: removed while it was read") from error

    def read_nowait(self, name: str, most: int, range: ByteRange | None = None) -> BlobPart | None:
        """Always None: all blobs are behind a network."""
        return None

    def etag_nowait(self, name: str) -> str | None:
        return None

    async def exists(self, name: str) -> bool:
        try:
            await self._calls.call(name, lambda: obstore.head(self._reads, name))
        except BlobNotFound:
            return False
        return True

    @asynccontextmanager
    async def as_file(self, name: str) -> AsyncIterator[Path]:
        """Yields a private copy in the staging folder."""
        try:
            async with asyncio.timeout(self._limits.call):
                await self._files.acquire()
        except TimeoutError:
            raise StorageUnavailable(f"{name}: {FILES} files are being read already") from None
        try:
            async with self._staging.file() as path:
                await fetch(self, name, path)
                yield path
        finally:
            self._files.release()

    async def delete(self, names: Iterable[str]) -> None:
        left = iter(names)
        while batch := list(islice(left, BATCH)):
            try:
                await self._calls.call(batch[0], partial(obstore.delete, self._reads, batch))
            except BlobNotFound:
                continue  # a store without DeleteObjects may answer this

    async def list(self, prefix: str) -> AsyncIterator[BlobInfo]:
        async for page in self._pages(prefix):
            for found in page:
                yield BlobInfo(found["path"], found["size"], _modified(found))

    async def names(self, prefix: str) -> AsyncIterator[Sequence[str]]:
        async for page in self._pages(prefix):
            yield [found["path"] for found in page]

    async def folders(self, prefix: str) -> Sequence[str]:
        found = await self._calls.call(prefix, partial(obstore.list_with_delimiter, self._reads, prefix))
        return sorted(f"{each.removesuffix('/')}/" for each in found["common_prefixes"])

    async def describe(self, name: str) -> BlobInfo:
        found = await self._calls.call(name, partial(obstore.get, self._reads, name, options={"head": True}))
        return BlobInfo(name, found.meta["size"], _modified(found.meta), found.attributes.get(SHA256))

    async def _pages(self, prefix: str) -> AsyncIterator["Sequence[ObjectMeta]"]:
        """Yield pages in the store's order. Retry a page that fails."""
        if not prefix.endswith("/"):
            raise ValueError(prefix)
        pages: ListStream[Sequence[ObjectMeta]] | None = None
        last: str | None = None

        def page() -> "Sequence[ObjectMeta]":
            nonlocal pages
            pages = pages or obstore.list(self._reads, prefix, offset=last, chunk_size=BATCH)
            try:
                return next(pages, ())
            except BaseError:
                pages = None  # after an error the stream would report its end
                raise

        while batch := await self._calls.call(prefix, page):
            yield batch
            last = batch[-1]["path"]

    async def check(self) -> datetime:
        name = f"tmp/check-{secrets.token_hex(16)}"
        async with self._staging.file() as path:
            with named_failures(name):
                await asyncio.to_thread(path.write_bytes, b"probe")
            await self.put(name, path, BlobHeaders("text/plain"))
        try:
            blob = await self.open(name)
        except BlobNotFound as error:
            raise StorageUnavailable(f"what was written is not there: {error}") from error
        try:
            found = b"".join([chunk async for chunk in blob.chunks])
        finally:
            await blob.aclose()
        await self.delete([name])  # after an earlier failure, the sweep deletes it
        if found != b"probe":
            raise StorageUnavailable("what was read is not what was written")
        return blob.modified


def _holds(store: S3Store, name: str, source: Path) -> bool:
    with source.open("rb") as file:
        same = all(chunk == file.read(len(chunk)) for chunk in obstore.get(store, name).stream(CHUNK_BYTES))
        return same and not file.read(1)


def _etag(found: "ObjectMeta") -> str:
    return found["e_tag"] or ""


def _modified(found: "ObjectMeta") -> datetime:
    """In whole seconds, as in HTTP dates."""
    return found["last_modified"].replace(microsecond=0)
