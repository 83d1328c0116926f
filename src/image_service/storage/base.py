"""The contract of a blob store: it maps names to bytes. The bytes under a name never change.

Every backend passes `tests/storage/test_contract.py`. Nothing here knows HTTP, images or rows.

Each method lists which of these errors it raises:
`BlobNotFound`, `RangeNotSatisfiable`, `StorageFull`, `StorageUnavailable`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol

from image_service.errors import RangeNotSatisfiable

CHUNK_BYTES = 256 * 1024  # per thread hop: large enough to amortise the hop, small enough to hold 1,000 chunks


@dataclass(frozen=True)
class BlobHeaders:
    """Response headers for stores that serve blobs over HTTP themselves (S3, a CDN on its bucket)."""

    content_type: str
    cache_control: str = "private, no-store"
    content_disposition: str | None = None
    sha256: str | None = None  # 64 hex digits; stored with the blob if the store supports it


@dataclass(frozen=True)
class ByteRange:
    """`first..last` inclusive. `last` None: to the end; `first` None: the final `last` bytes (RFC 9110, 14.1.2)."""

    first: int | None
    last: int | None

    def within(self, size: int) -> tuple[int, int]:
        """Return this range as a half-open interval [start, stop) of a blob of `size` bytes.

        Raises `RangeNotSatisfiable` if the interval is empty.
        """
        if self.first is None:
            start, stop = max(0, size - (self.last or 0)), size
        else:
            start, stop = self.first, size if self.last is None else min(size, self.last + 1)
        if start >= stop:
            raise RangeNotSatisfiable(size)
        return start, stop


@dataclass(frozen=True)
class BlobInfo:
    name: str
    size: int  # bytes
    modified: datetime  # by the store's clock, timezone-aware
    sha256: str | None = None  # `BlobHeaders.sha256`; set by `describe` only, if the store keeps it


@dataclass
class Blob:
    """An open blob. The caller must `aclose()` it, even if it has read no chunks."""

    size: int  # of the whole blob, even for a range request
    start: int  # the interval [start, stop) that `chunks` yields
    stop: int
    etag: str  # strong, with its quotes
    modified: datetime
    chunks: AsyncIterator[bytes] = field(repr=False)
    aclose: Callable[[], Awaitable[None]] = field(repr=False)


class BlobPart(NamedTuple):
    """The bytes [start, start + len(data)) of a blob; may be all of it."""

    data: bytes | bytearray
    start: int
    size: int  # of the whole blob
    etag: str  # strong, with its quotes, as in `Blob`


class Storage(Protocol):
    """All processes and commands of an installation share one store and see each other's blobs."""

    keeps_sha256: ClassVar[bool]  # whether `describe` returns the `BlobHeaders.sha256` given to `put`

    async def put(self, name: str, source: Path, headers: BlobHeaders) -> None:
        """Store the bytes of `source` under `name` atomically. A blob in `public/` that exists stays as it is: a
        variant's bytes never change. Elsewhere the new bytes replace the old ones.

        On return the bytes survive a power failure. The caller keeps `source`, but must not write to it again.
        Raises `StorageFull`, `StorageUnavailable`. After either, `name` holds the old bytes, or the new bytes if only
        the store's response was lost. Never replace a blob in `private/` by other bytes, except for
        `names.REWRITTEN`: a store may refuse that.
        """
        ...

    async def open(self, name: str, range: ByteRange | None = None) -> Blob:
        """Raises `BlobNotFound`, `RangeNotSatisfiable`, `StorageUnavailable`."""
        ...

    def read_nowait(self, name: str, most: int, range: ByteRange | None = None) -> BlobPart | None:
        """Return the blob or range if it is at most `most` bytes and available without waiting for a disk or a
        network.

        None does not mean that the blob or range is missing. Called on the event loop.
        """
        ...

    def etag_nowait(self, name: str) -> str | None:
        """Return the blob's ETag if the blob exists and the ETag is available without waiting, as in `read_nowait`."""
        ...

    async def exists(self, name: str) -> bool:
        """Raises `StorageUnavailable`."""
        ...

    def as_file(self, name: str) -> AbstractAsyncContextManager[Path]:
        """A readable local file with the blob's bytes, for as long as the context lasts.

        Raises `BlobNotFound`, `StorageFull`, `StorageUnavailable`.
        """
        ...

    async def delete(self, names: Iterable[str]) -> None:
        """Remove the blobs. A missing blob is no error. Raises `StorageUnavailable`."""
        ...

    def list(self, prefix: str) -> AsyncIterator[BlobInfo]:
        """All blobs whose name starts with `prefix` (which ends in "/"), in no order.

        Blobs put or deleted meanwhile may be missing or still be listed. Raises `StorageUnavailable`.
        """
        ...

    def names(self, prefix: str) -> AsyncIterator[Sequence[str]]:
        """Like `list`, but yields only names, in batches: needs no `stat` for each file on a disk."""
        ...

    async def folders(self, prefix: str) -> Sequence[str]:
        """Return the folders directly below `prefix`, sorted; each starts with `prefix` and ends with "/".

        May include folders without blobs. Raises `StorageUnavailable`.
        """
        ...

    async def describe(self, name: str) -> BlobInfo:
        """Return metadata without reading the bytes. Raises `BlobNotFound`, `StorageUnavailable`."""
        ...

    async def check(self) -> datetime:
        """Write and read a few bytes; return the time by the store's clock, as in `BlobInfo.modified`.

        Raises `StorageFull`, `StorageUnavailable`, with the reason.
        """
        ...
