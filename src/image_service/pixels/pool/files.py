"""Opens a job's files in the service. A pixel process gets descriptors, and cannot reach any other file.

A captured process could keep writing to its target file after its answer. So that file has no name: the service
copies the bytes after the answer.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from image_service.errors import ImageServiceError

Done = TypeVar("Done")


class Unusable(ImageServiceError):
    """A job's file cannot be opened or copied."""


class JobFiles:
    """Opens and copies files in its own thread pool."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="pixels")

    @asynccontextmanager
    async def source(self, path: Path) -> AsyncIterator[int]:
        """Opens `path` for reading. Raises `Unusable`."""
        file = await self._run(lambda: os.open(path, os.O_RDONLY | os.O_CLOEXEC), os.close)
        try:
            yield file
        finally:
            os.close(file)

    @asynccontextmanager
    async def kept(self, path: Path | None) -> AsyncIterator[int | None]:
        """Opens a new file `path` for writing, for pixels that may be lost; None if that fails."""
        file = None
        if path is not None:
            with suppress(Unusable):
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                file = await self._run(lambda: os.open(path, flags, 0o600), os.close)
        try:
            yield file
        finally:
            if file is not None:
                os.close(file)

    @asynccontextmanager
    async def target(self, path: Path) -> AsyncIterator[int]:
        """Opens a file for writing, and copies it to a new file `path` if the block succeeds. Raises `Unusable`."""
        written, read = await self._run(lambda: _nameless(path.parent), _close)
        try:
            yield written
            await self._run(lambda: _copy(read, path))
        finally:
            _close((written, read))

    async def _run(self, do: Callable[[], Done], undo: Callable[[Done], None] = lambda _: None) -> Done:
        """Run `do` in a thread; `undo` its result if the caller is cancelled. Raises `Unusable`."""
        doing = asyncio.get_running_loop().run_in_executor(self._threads, do)
        try:
            return await asyncio.shield(doing)
        except OSError as error:
            raise Unusable(str(error)) from error
        except asyncio.CancelledError:
            await asyncio.wait([doing])  # the files must stay open until the thread is done
            if doing.exception() is None:
                undo(doing.result())
            raise


def _nameless(folder: Path) -> tuple[int, int]:
    """Open an unnamed new file on the disk of `folder` twice: for writing, for reading."""
    path = folder / uuid4().hex
    written = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        return written, os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except BaseException:
        os.close(written)
        raise
    finally:
        path.unlink()


def _copy(file: int, path: Path) -> None:
    with open(file, "rb", closefd=False) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target)


def _close(files: tuple[int, int]) -> None:
    for file in files:
        os.close(file)


def given(*files: int | None) -> tuple[int, ...]:
    return tuple(file for file in files if file is not None)


def size_of(file: int | None) -> int:
    return 0 if file is None else os.fstat(file).st_size
