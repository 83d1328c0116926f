"""The files of a job, opened by the service: a pixel process gets descriptors, and no way to any other file.

What it renders into is a file that it may go on writing to for as long as it lives, if a picture has captured it. So no
name ever leads there: the bytes are copied when it has answered.
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
    """A file of a job cannot be opened, or not be copied."""


class JobFiles:
    """Opens and copies in threads of its own, at most so many at a time."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="pixels")

    @asynccontextmanager
    async def source(self, path: Path) -> AsyncIterator[int]:
        """`path`, to be read. Raises `Unusable`."""
        file = await self._run(lambda: os.open(path, os.O_RDONLY | os.O_CLOEXEC), os.close)
        try:
            yield file
        finally:
            os.close(file)

    @asynccontextmanager
    async def kept(self, path: Path | None) -> AsyncIterator[int | None]:
        """A new file `path` to be written directly, for pixels that may be lost; None where it cannot be made."""
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
        """To be written. What it then holds is a new file `path` when the block ends well. Raises `Unusable`."""
        written, read = await self._run(lambda: _nameless(path.parent), _close)
        try:
            yield written
            await self._run(lambda: _copy(read, path))
        finally:
            _close((written, read))

    async def _run(self, do: Callable[[], Done], undo: Callable[[Done], None] = lambda _: None) -> Done:
        """`undo` what was done for a caller who has gone. Raises `Unusable`."""
        doing = asyncio.get_running_loop().run_in_executor(self._threads, do)
        try:
            return await asyncio.shield(doing)
        except OSError as error:
            raise Unusable(str(error)) from error
        except asyncio.CancelledError:
            await asyncio.wait([doing])  # its files must stay open until then
            if doing.exception() is None:
                undo(doing.result())
            raise


def _nameless(folder: Path) -> tuple[int, int]:
    """A new file on the disk of `folder`, open twice: to write, to read."""
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
