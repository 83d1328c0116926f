"""The contract of a blob store: names to bytes, for ever the same bytes under a name.

Every backend passes `tests/storage/test_contract.py`. Nothing here knows HTTP, images or rows.

Failures are named, and each method says which it raises:
`BlobNotFound`, `RangeNotSatisfiable`, `StorageFull`, `StorageUnavailable`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol

from image_service.errors import RangeNotSatisfiable

CHUNK_BYTES = 256 * 1024  # one hop to a thread each: large enough to amortise it, small enough to hold 1,000


@dataclass(frozen=True)
class BlobHeaders:
    """What a store that speaks HTTP itself (S3, a CDN on its bucket) shall answer with the blob."""

    content_type: str
    cache_control: str = "private, no-store"
    content_disposition: str | None = None
    sha256: str | None = None  # 64 hex digits of the bytes, kept beside them by a store that can


@dataclass(frozen=True)
class ByteRange:
    """`first..last` inclusive. `last` None: to the end; `first` None: the final `last` bytes (RFC 9110, 14.1.2)."""

    first: int | None
    last: int | None

    def within(self, size: int) -> tuple[int, int]:
        """The half-open interval [start, stop) that this means in a blob of `size` bytes.

        Raises `RangeNotSatisfiable` if no byte of the blob is in it.
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
    modified: datetime  # by the store's own clock, with a zone
    sha256: str | None = None  # `BlobHeaders.sha256`, from `describe` alone, where the store has kept it


@dataclass
class Blob:
    """An open blob. The caller must `aclose()` it, whether or not it has read any of the chunks."""

    size: int  # of the whole blob, also when a range was asked for
    start: int  # the interval [start, stop) that `chunks` yields
    stop: int
    etag: str  # strong, with its quotes
    modified: datetime
    chunks: AsyncIterator[bytes] = field(repr=False)
    aclose: Callable[[], Awaitable[None]] = field(repr=False)


class AtHand(NamedTuple):
    """A blob, or the part [start, start + len(data)) of it, that was in memory."""

    data: bytes | bytearray
    start: int
    size: int  # of the whole blob
    etag: str  # strong, with its quotes, as `Blob` has it


class Storage(Protocol):
    """All processes and commands of an installation open the same store: what one has put, all find."""

    keeps_sha256: ClassVar[bool]  # whether `describe` tells `BlobHeaders.sha256` of what was put with one

    async def put(self, name: str, source: Path, headers: BlobHeaders) -> None:
        """Store the bytes of `source` under `name`, replacing what was there, whole or not at all.

        On return they survive a power failure. `source` stays the caller's, who must not write to it again.
        Raises `StorageFull`, `StorageUnavailable`; after either, `name` holds what it held before, or the new bytes
        if it was the store's answer that was lost. Never put other bytes under a name in `private/` that has some,
        except for `names.REWRITTEN`: a store may refuse them.
        """
        ...

    async def open(self, name: str, range: ByteRange | None = None) -> Blob:
        """Raises `BlobNotFound`, `RangeNotSatisfiable`, `StorageUnavailable`."""
        ...

    def at_hand(self, name: str, most: int, range: ByteRange | None = None) -> "AtHand | None":
        """The blob or the range of it, if that is at most `most` bytes and can be had without waiting for a disk or a
        network.

        None says nothing, not even whether there is such a blob or range. Called on the event loop.
        """
        ...

    def etag_at_hand(self, name: str) -> str | None:
        """Its entity tag, if there is such a blob and that can be had without waiting, as by `at_hand`."""
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
        """Remove them; a name that is not there is no error. Raises `StorageUnavailable`."""
        ...

    def list(self, prefix: str) -> AsyncIterator[BlobInfo]:
        """All blobs whose name starts with `prefix` (which ends in "/"), in no order.

        Blobs put or deleted meanwhile may be missing or still be listed. Raises `StorageUnavailable`.
        """
        ...

    def names(self, prefix: str) -> AsyncIterator[Sequence[str]]:
        """As `list`, but the names alone, some at a time: a disk is not asked about each file."""
        ...

    async def folders(self, prefix: str) -> Sequence[str]:
        """What the names below `prefix` go on with, up to the next "/", with `prefix` and that "/"; sorted.

        Folders that hold no blob may be among them. Raises `StorageUnavailable`.
        """
        ...

    async def describe(self, name: str) -> BlobInfo:
        """Without reading its bytes. Raises `BlobNotFound`, `StorageUnavailable`."""
        ...

    async def check(self) -> datetime:
        """The store's own clock, that of `BlobInfo.modified`, after bytes were written and read again.

        Raises `StorageFull`, `StorageUnavailable`, with the reason.
        """
        ...
