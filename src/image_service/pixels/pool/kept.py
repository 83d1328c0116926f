"""Caches decoded pixels for renders: a bounded cache of files in memory (tmpfs), shared by the workers of a replica.
Its loss is harmless: without it, renders use the originals.

A file's name contains the picture's key and the pixels' dimensions, orientation and profile size. A pixel process
writes the file, so a captured process can only spoil renders of its own picture.
"""

import asyncio
import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import structlog

from image_service.pixels.picture import Kept, Pixels
from image_service.pixels.sizes import SPARE

log = structlog.get_logger()

SHARE = 16  # one picture takes at most this fraction of the cache
HALF = 2  # the cache takes at most this fraction of the file system: others write there too
NAME = re.compile(r"([0-9a-f]{32})\.(\d{1,5})x(\d{1,5})\.([1-8])\.(\d{1,8})")
NEW = "new-"  # a file without a key yet

Done = TypeVar("Done")


class KeptPixels:
    """An LRU cache. Other processes may change the same folder at any time."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """`folder` must be private to this account, on a tmpfs. Raises `OSError` if it cannot be."""
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o077 or folder.is_symlink():
            raise PermissionError(f"{folder} belongs to another account")
        room = os.statvfs(folder)
        self._folder = folder
        self._max_bytes = min(max_bytes, room.f_frsize * room.f_blocks // HALF)
        self.most = self._max_bytes // SHARE
        """Bytes of one picture."""

    def new(self) -> Path:
        """Return a path for a new file. The caller must `adopt` or `discard` it."""
        return self._folder / f"{NEW}{uuid4().hex}"

    async def adopt(self, kept: Kept, key: str) -> None:
        """File the pixels under `key`, so that `find` finds them."""
        await self._run(lambda: self._adopt(kept, key))

    async def find(self, key: str) -> Kept | None:
        return await self._run(lambda: self._find(key))

    async def drop(self, keys: Iterable[str]) -> None:
        """Remove the pixels of these keys."""
        gone = frozenset(keys)
        await self._run(lambda: self._remove(lambda name: name[:32] in gone))

    def discard(self, path: Path) -> None:
        """Remove a file. A missing file is no error."""
        with suppress(OSError):
            path.unlink()

    def close(self) -> None:
        """Remove all files, to free the memory."""
        self._remove(lambda _: True)
        with suppress(OSError):  # another worker has added a file
            self._folder.rmdir()

    async def _run(self, do: Callable[[], Done]) -> Done:
        return await asyncio.to_thread(do)

    def _adopt(self, kept: Kept, key: str) -> None:
        pixels = kept.pixels
        name = f"{key}.{pixels.width}x{pixels.height}.{pixels.orientation}.{pixels.profile}"
        with suppress(OSError):  # the folder may have been cleared
            kept.path.rename(self._folder / name)
        self._trim()

    def _find(self, key: str) -> Kept | None:
        for name in self._names():
            match = NAME.fullmatch(name) if name.startswith(key) else None
            if match is not None:
                path, pixels = self._folder / name, Pixels(*map(int, match.groups()[1:]))
                with suppress(OSError):  # just removed
                    if path.stat().st_size == pixels.bytes:
                        os.utime(path)  # `_trim` sorts by this time
                        return Kept(path, pixels)
        return None

    def _trim(self) -> None:
        found = []
        # Runs at each upload. A Path per file takes three times as long.
        with suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    found.append((status.st_mtime_ns, status.st_size, entry.name))
        left = sum(size for _, size, _ in found)
        for _, size, name in sorted(found):
            if left <= self._max_bytes:
                break
            self.discard(self._folder / name)
            left -= size

    def _remove(self, is_gone: Callable[[str], bool]) -> None:
        for name in self._names():
            if is_gone(name):
                self.discard(self._folder / name)

    def _names(self) -> list[str]:
        """Return some hundred names. Each render searches them."""
        try:
            return os.listdir(self._folder)  # noqa: PTH208 - Path.iterdir takes four times as long
        except OSError:  # the folder has been removed
            return []


def serves(pixels: Pixels, image: tuple[int, int], wanted: tuple[int, int]) -> bool:
    """Whether these pixels are as good as the original `image` for the `wanted` sides: it would not be decoded to more
    pixels.
    """
    return pixels.upright == image or all(
        have >= SPARE * want for have, want in zip(pixels.upright, wanted, strict=True)
    )


def kept_pixels_in(folder: Path, max_bytes: int) -> KeptPixels | None:
    """Open the cache. Returns None if it is off, or cannot be opened, which is logged."""
    if not max_bytes:
        return None
    try:
        return KeptPixels(folder, max_bytes)
    except OSError as error:
        log.warning("kept pixels are off", reason=str(error))
        return None
