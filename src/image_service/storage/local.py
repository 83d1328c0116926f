"""Blobs on the local disk.

    root/private/   originals, 0700 and 0600
    root/public/    variants, 0755 and 0644: nginx runs as another user
    root/tmp/       unfinished writes

A crash leaves files in tmp/. `list("tmp/")` and `delete` treat them as blobs, so a sweep of the store
removes those that are older than any upload takes.
"""

import os
import stat
from asyncio import get_running_loop
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import ClassVar, TypeVar

import aiofiles

from image_service.errors import BlobNotFound, RangeNotSatisfiable, StorageFull, StorageUnavailable
from image_service.storage.base import CHUNK_BYTES, Blob, BlobHeaders, BlobInfo, BlobPart, ByteRange
from image_service.storage.durable import DurableDirectory, is_full

THREADS = 16  # more do not help a slow disk; not the event loop's default pool, which resolves host names
LIST_BATCH = 500  # blobs per thread hop; about 200 kB
ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)

_NO_SEGMENTS = frozenset(("", ".", ".."))

NO_WAIT: int | None = getattr(os, "RWF_NOWAIT", None)  # Linux only

T = TypeVar("T")


class LocalStorage:
    """`storage.base.Storage` in the directory `root`. The first `put` makes it if it is missing.

    Any number of processes may use one directory. A `put` that is cancelled may still take effect.
    """

    keeps_sha256: ClassVar[bool] = False

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._durable = DurableDirectory(self._root)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="storage")

    async def put(self, name: str, source: Path, headers: BlobHeaders) -> None:
        """Ignores `headers`, which are for stores that serve HTTP themselves.

        May link, not copy, a source in the same file system. The source then gets the blob's mode and time.
        """
        with named_failures(name):
            await self._run(partial(self._durable.put, self._path(name), source))

    async def open(self, name: str, range: ByteRange | None = None) -> Blob:
        """Uses the same ETag as nginx, so that a client may switch between the two."""
        try:
            held = self._held(name, CHUNK_BYTES, range)
        except ABSENT as error:
            raise BlobNotFound(name) from error
        except OSError:  # the code below fails again and converts the error
            held = None
        if held is not None:
            data, start, found = held
            stop = start + len(data)
            return Blob(found.st_size, start, stop, _etag(found), _modified(found), _whole(data), _nothing)
        with named_failures(name):
            try:
                # Buffered, for its lock: close() then waits for the read of a cancelled call. Otherwise that
                # read could move the position of the next file with this descriptor.
                file = await aiofiles.open(self._path(name), "rb", executor=self._threads)
            except ABSENT as error:
                raise BlobNotFound(name) from error
            try:
                found = await self._run(partial(os.fstat, file.fileno()))
                start, stop = (0, found.st_size) if range is None else range.within(found.st_size)
                if start:
                    await file.seek(start)
            except BaseException:
                await file.close()
                raise

        async def chunks() -> AsyncIterator[bytes]:
            left = stop - start
            while left:
                with named_failures(name):
                    chunk = await file.read(min(left, CHUNK_BYTES))
                if not chunk:
                    raise StorageUnavailable(f"{name}: the file ends {left} bytes early")
                left -= len(chunk)
                yield chunk

        return Blob(found.st_size, start, stop, _etag(found), _modified(found), chunks(), file.close)

    def read_nowait(self, name: str, most: int, range: ByteRange | None = None) -> BlobPart | None:
        try:
            held = self._held(name, most, range)
        except (OSError, RangeNotSatisfiable):
            return None
        if held is None:
            return None
        data, start, found = held
        return BlobPart(data, start, found.st_size, _etag(found))

    def etag_nowait(self, name: str) -> str | None:
        try:
            found = os.stat(self._text(name))  # noqa: PTH116
        except OSError:
            return None
        return _etag(found)

    def _held(self, name: str, most: int, range: ByteRange | None) -> tuple[bytearray, int, os.stat_result] | None:
        """Return the file or range, its start and its `stat` if it is at most `most` bytes and all in the page cache.
        Does not wait for the disk (RWF_NOWAIT). Raises `OSError`, `RangeNotSatisfiable`."""
        if NO_WAIT is None:
            return None
        file = os.open(self._text(name), os.O_RDONLY | os.O_CLOEXEC)
        try:
            found = os.fstat(file)
            start, stop = (0, found.st_size) if range is None else range.within(found.st_size)
            if stop - start > most:
                return None
            data = bytearray(stop - start)
            if os.preadv(file, [data], start, NO_WAIT) < len(data):
                return None
        except IsADirectoryError:
            raise
        except OSError:  # the read would block, or the file system does not support RWF_NOWAIT
            return None
        finally:
            os.close(file)
        return data, start, found

    async def exists(self, name: str) -> bool:
        path = self._path(name)
        with named_failures(name):
            return await self._run(path.is_file)

    @asynccontextmanager
    async def as_file(self, name: str) -> AsyncIterator[Path]:
        """Yields the blob's own path. The file vanishes if the blob is deleted meanwhile."""
        path = self._path(name)
        if not await self.exists(name):
            raise BlobNotFound(name)
        yield path

    async def delete(self, names: Iterable[str]) -> None:
        paths = [self._path(name) for name in names]

        def remove() -> None:
            for path in paths:
                with named_failures(path.name), suppress(*ABSENT):
                    path.unlink()

        await self._run(remove)

    async def list(self, prefix: str) -> AsyncIterator[BlobInfo]:
        if not prefix.endswith("/"):
            raise ValueError(prefix)
        found = _infos(self._text(prefix[:-1]), prefix)
        while batch := await self._run(partial(_batch, found, prefix)):
            for blob in batch:
                yield blob

    async def names(self, prefix: str) -> AsyncIterator[Sequence[str]]:
        if not prefix.endswith("/"):
            raise ValueError(prefix)
        found = (name for name, _ in _walk(self._text(prefix[:-1]), prefix))
        while batch := await self._run(partial(_batch, found, prefix)):
            yield batch

    async def folders(self, prefix: str) -> Sequence[str]:
        with named_failures(prefix):
            return await self._run(partial(_folders, self._text(prefix[:-1]), prefix))

    async def describe(self, name: str) -> BlobInfo:
        with named_failures(name):
            try:
                found = await self._run(self._path(name).lstat)
            except ABSENT as error:
                raise BlobNotFound(name) from error
        if not stat.S_ISREG(found.st_mode):
            raise BlobNotFound(name)
        return BlobInfo(name, found.st_size, _modified(found))

    async def check(self) -> datetime:
        with named_failures("check"):
            return _modified(await self._run(self._durable.check))

    def _path(self, name: str) -> Path:
        return Path(self._text(name))

    def _text(self, name: str) -> str:
        """Return the path as text, in a tenth of the time that a Path takes.

        Names come from `storage.names` and are trusted. This check only catches mistakes.
        """
        if "\0" in name or not _NO_SEGMENTS.isdisjoint(name.split("/")):
            raise ValueError(f"not the name of a blob: {name!r}")
        return f"{self._root}/{name}"

    async def _run(self, function: Callable[[], T]) -> T:
        return await get_running_loop().run_in_executor(self._threads, function)


def _batch(found: Iterator[T], prefix: str) -> tuple[T, ...]:
    with named_failures(prefix):
        return tuple(islice(found, LIST_BATCH))


def _walk(directory: str, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield the name and entry of every file below `directory`. Makes no `stat` of each, which takes ten times as long.
    Holds one directory open per level.
    """
    try:
        entries = os.scandir(directory)
    except ABSENT:
        return
    with entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, f"{prefix}{entry.name}/")
            elif entry.is_file(follow_symlinks=False):
                yield prefix + entry.name, entry


def _infos(directory: str, prefix: str) -> Iterator[BlobInfo]:
    """Skips files that vanish meanwhile."""
    for name, entry in _walk(directory, prefix):
        try:
            found = entry.stat(follow_symlinks=False)
        except ABSENT:
            continue
        yield BlobInfo(name, found.st_size, _modified(found))


def _folders(directory: str, prefix: str) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return sorted(f"{prefix}{entry.name}/" for entry in entries if entry.is_dir(follow_symlinks=False))
    except ABSENT:
        return []


async def _whole(data: bytearray) -> AsyncIterator[bytes]:
    if data:
        yield bytes(data)


async def _nothing() -> None:
    """There is nothing to close."""


def _etag(found: os.stat_result) -> str:
    """The same as nginx's."""
    return f'"{int(found.st_mtime):x}-{found.st_size:x}"'


def _modified(found: os.stat_result) -> datetime:
    """In whole seconds, as in HTTP dates."""
    return datetime.fromtimestamp(int(found.st_mtime), UTC)


@contextmanager
def named_failures(name: str) -> Iterator[None]:
    """Convert OSErrors to the contract's errors."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise StorageFull(f"{name}: {error}") from error
        raise StorageUnavailable(f"{name}: {error}") from error
