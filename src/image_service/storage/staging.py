"""Temporary local files for incoming uploads and variants being rendered. The sweep removes files left by a crash."""

import asyncio
import os
import stat
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from image_service.errors import StorageFull, StorageUnavailable
from image_service.storage.durable import is_full

ROOM_BYTES = 4 * 1024 * 1024  # 12 megapixels at full size are 1.1 MB in all formats; noise is more


class Staging:
    """Files in `folder`, which is private to the service and should share a file system with the blobs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @asynccontextmanager
    async def file(self) -> AsyncIterator[Path]:
        """Yields a unique path. Removes the file, if any, when the block ends."""
        path = self._folder / uuid4().hex
        try:
            yield path
        finally:
            # Shielded: a client that disconnects must not leave its file behind.
            await asyncio.shield(asyncio.to_thread(path.unlink, missing_ok=True))

    async def check(self) -> None:
        """Raises `StorageUnavailable` if files cannot be created here now."""
        try:
            async with self.file() as path:
                await asyncio.to_thread(path.touch)
        except OSError as error:
            raise StorageUnavailable(str(error)) from error

    async def require_room(self) -> None:
        """Raises `StorageFull` if there is no room for a large variant now, `StorageUnavailable` on other errors."""
        try:
            async with self.file() as path:
                await asyncio.to_thread(_allocate, path)
        except OSError as error:
            raise (StorageFull if is_full(error) else StorageUnavailable)(str(error)) from error

    async def remove_stale(self, age: timedelta, *, dry_run: bool = False) -> int:
        """Remove files not written to for `age`, by the file system's clock; return their number.

        Raises `StorageUnavailable`.
        """
        return await asyncio.to_thread(self._remove_stale, age, dry_run)

    def _remove_stale(self, age: timedelta, dry_run: bool) -> int:
        stale = 0
        try:
            oldest = self._clock() - age.total_seconds()
            for path in list(self._folder.iterdir()):
                with suppress(FileNotFoundError):  # its owner has just removed it
                    found = path.lstat()
                    if found.st_mtime < oldest and not stat.S_ISDIR(found.st_mode):
                        stale += 1
                        if not dry_run:
                            path.unlink()
        except OSError as error:
            raise StorageUnavailable(f"{self._folder}: {error}") from error
        return stale

    def _clock(self) -> float:
        """The file system's clock: ours may be ahead of it, by a mistake or on another machine."""
        path = self._folder / uuid4().hex
        try:
            path.touch()
            return path.stat().st_mtime
        except OSError as error:
            if not is_full(error):
                raise
            return time.time()
        finally:
            path.unlink(missing_ok=True)


def _allocate(path: Path) -> None:
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, ROOM_BYTES)
