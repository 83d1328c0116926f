"""Caches decoded pixels for renders: a bounded cache of files in memory (tmpfs), shared by the workers of a replica.
Its loss is harmless: without it, renders use the originals.

Each picture has a file of pixels, `<key>.rgb`, and a symbolic link `<key>`, whose text describes them: one lookup, no
search. A pixel process writes the file, never the link, so a captured process can only spoil renders of its own
picture. Nothing here waits for a disk, so all but the search for the oldest files runs in the event loop.
"""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import structlog

from image_service.pixels.picture import Kept, Pixels
from image_service.pixels.pool.failures import RenderFailed, RenderTooLong
from image_service.pixels.sizes import SPARE

log = structlog.get_logger()

SHARE = 16  # one picture takes at most this fraction of the cache
HALF = 2  # the cache takes at most this fraction of the file system: others write there too
UNSEEN = 64  # each worker may add this fraction of the cache before it looks for what to remove
ABOUT = re.compile(r"(\d{1,5})x(\d{1,5})\.([1-8])\.(\d{1,8})")  # width, height, orientation, bytes of the profile
RGB = ".rgb"
NEW = "new-"  # a file without a key yet

Sides = tuple[int, int]  # width and height in pixels
Drawn = TypeVar("Drawn")


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
        self._unseen = 0  # bytes added since the last search
        self.most = self._max_bytes // SHARE
        """Bytes of one picture."""

    def has_room(self) -> bool:
        """Whether the file system has room for one picture more: others may have filled it. Decoding pixels that cannot
        be kept would slow each check by a tenth.
        """
        with suppress(OSError):  # the folder has been removed
            room = os.statvfs(self._folder)
            return room.f_frsize * room.f_bavail >= self.most
        return False

    def new(self) -> Path:
        """Return a path for a new file. The caller must `adopt` or `discard` it."""
        return self._folder / f"{NEW}{uuid4().hex}"

    async def adopt(self, kept: Kept, key: str) -> None:
        """File the pixels under `key`, so that `find` finds them."""
        pixels, (link, file) = kept.pixels, self._names(key)
        with suppress(OSError):  # the folder may have been removed
            kept.path.rename(file)
            link.unlink(missing_ok=True)
            link.symlink_to(f"{pixels.width}x{pixels.height}.{pixels.orientation}.{pixels.profile}")
        self._unseen += pixels.bytes
        if self._unseen * UNSEEN >= self._max_bytes:
            self._unseen = 0
            await asyncio.to_thread(self._trim)

    def find(self, key: str) -> Kept | None:
        link, file = self._names(key)
        with suppress(OSError):  # not kept, or just removed
            match = ABOUT.fullmatch(str(link.readlink()))
            if match is not None:
                pixels = Pixels(*map(int, match.groups()))
                if file.stat().st_size == pixels.bytes:
                    os.utime(file)  # `_trim` sorts by this time
                    return Kept(file, pixels)
        return None

    def serving(self, key: str, image: Sides, *wanted: Sides) -> Kept | None:
        """Find pixels that are as good as the original `image` for all `wanted` sides."""
        kept = self.find(key)
        return kept if kept is not None and all(_serves(kept.pixels, image, each) for each in wanted) else None

    async def drawn(self, key: str, kept: Kept, draw: Callable[[Path, Pixels], Awaitable[Drawn]]) -> Drawn | None:
        """Draw from the pixels of `key`. None if that fails: they were just dropped or are unusable, and are dropped.

        Raises what `draw` raises, but of `RenderFailed` only `RenderTooLong`: the original would take too long as well.
        """
        try:
            return await draw(kept.path, kept.pixels)
        except RenderTooLong:
            raise
        except RenderFailed:
            self.drop([key])
            return None

    def drop(self, keys: Iterable[str]) -> None:
        """Remove the pixels of these keys."""
        for key in keys:
            for path in self._names(key):
                self.discard(path)

    def discard(self, path: Path) -> None:
        """Remove a file. A missing file is no error."""
        with suppress(OSError):
            path.unlink()

    def close(self) -> None:
        """Remove all files, to free the memory."""
        with suppress(OSError):  # another worker has removed the folder, or adds a file
            for path in self._folder.iterdir():
                self.discard(path)
            self._folder.rmdir()

    def _names(self, key: str) -> tuple[Path, Path]:
        return self._folder / key, self._folder / f"{key}{RGB}"

    def _trim(self) -> None:
        """Remove the least recently used, also files that a killed worker has left without a key."""
        found = []
        with suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    if not entry.is_symlink():
                        found.append((status.st_mtime_ns, status.st_size, entry.name))
        left = sum(size for _, size, _ in found)
        for _, size, name in sorted(found):
            if left <= self._max_bytes:
                break
            self.drop([name.removesuffix(RGB)])
            left -= size


def _serves(pixels: Pixels, image: Sides, wanted: Sides) -> bool:
    """Whether these pixels are as good as the original `image` for the `wanted` sides: they are the picture itself, the
    variant itself, or enough to draw it from.
    """
    return pixels.upright in (image, wanted) or all(
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
