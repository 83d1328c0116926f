"""Opens a job's files in the service. A pixel process gets descriptors, and cannot reach any other file.

A captured process could keep writing to its target file after its answer. So that file has no name: the service
copies the bytes after the answer.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TypeVar
from uuid import uuid4

from image_service.errors import ImageServiceError

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL

Done = TypeVar("Done")


class Unusable(ImageServiceError):
    """A job's file cannot be opened or copied."""


class Opened(NamedTuple):
    """The descriptors of one job."""

    source: int
    targets: tuple[int, ...]
    kept: int | None

    @property
    def given(self) -> tuple[int, ...]:
        """In the order in which a pixel process expects them."""
        return (self.source, *self.targets, *([] if self.kept is None else [self.kept]))

    @property
    def kept_bytes(self) -> int:
        return 0 if self.kept is None else os.fstat(self.kept).st_size


class JobFiles:
    """Opens and copies files in its own thread pool: once before a job, and once after it if there are targets."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="pixels")

    @asynccontextmanager
    async def opened(
        self, source: Path, targets: Sequence[Path] = (), keep: Path | None = None
    ) -> AsyncIterator[Opened]:
        """Opens `source` for reading, and files for writing, which it copies to the new files `targets` if the block
        succeeds. Also opens the new file `keep` for pixels that may be lost; None if that fails. Raises `Unusable`.
        """
        with ExitStack() as open_files:
            job, read = await self._run(lambda: _opened(open_files, source, targets, keep))
            yield job
            if targets:
                await self._run(lambda: _copy(read, targets))

    async def _run(self, do: Callable[[], Done]) -> Done:
        """Run `do` in a thread. Raises `Unusable`."""
        doing = asyncio.get_running_loop().run_in_executor(self._threads, do)
        try:
            return await asyncio.shield(doing)
        except OSError as error:
            raise Unusable(str(error)) from error
        except asyncio.CancelledError:
            await asyncio.wait([doing])  # the files must stay open until the thread is done
            raise


def _opened(
    open_files: ExitStack, source: Path, targets: Sequence[Path], keep: Path | None
) -> tuple[Opened, tuple[int, ...]]:
    """Return the job's files, and its targets again, for reading. `open_files` closes them all."""

    def opened(path: Path, flags: int) -> int:
        file = os.open(path, flags | os.O_CLOEXEC, 0o600)
        open_files.callback(os.close, file)
        return file

    read = opened(source, os.O_RDONLY)
    pairs = [_nameless(path.parent, opened) for path in targets]
    kept = None
    if keep is not None:
        with suppress(OSError):
            kept = opened(keep, NEW)
    return Opened(read, tuple(written for written, _ in pairs), kept), tuple(again for _, again in pairs)


def _nameless(folder: Path, opened: Callable[[Path, int], int]) -> tuple[int, int]:
    """Open an unnamed new file on the disk of `folder` twice: for writing, for reading."""
    path = folder / uuid4().hex
    written = opened(path, NEW)
    try:
        return written, opened(path, os.O_RDONLY)
    finally:
        path.unlink()


def _copy(files: Sequence[int], paths: Sequence[Path]) -> None:
    for file, path in zip(files, paths, strict=True):
        with open(file, "rb", closefd=False) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target)
