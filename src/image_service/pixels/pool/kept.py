"""Decoded pixels that renders may begin with: a bounded cache of files in memory (tmpfs), shared by the workers of a
replica. Nothing is lost with it, and without it all is rendered from the originals.

A file is named after the key of its bytes and after what the service knows of it. A pixel process writes into it and
can do no more with it than spoil renders of the picture that it was given anyway.
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

SHARE = 16  # of the cache that one picture may take at the most
HALF = 2  # of the file system that the cache may take at the most: others write there too
NAME = re.compile(r"([0-9a-f]{32})\.(\d{1,5})x(\d{1,5})\.([1-8])\.(\d{1,8})")
NEW = "new-"  # and no key yet

Done = TypeVar("Done")


class KeptPixels:
    """Least recently used first out. All methods may be called while others change the same folder."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """`folder` is ours alone, on a tmpfs. Raises `OSError` where that cannot be."""
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
        """The name of a file to be made. Its maker gives it a key or discards it."""
        return self._folder / f"{NEW}{uuid4().hex}"

    async def adopt(self, kept: Kept, key: str) -> None:
        """From now on it is found by this key."""
        await self._run(lambda: self._adopt(kept, key))

    async def find(self, key: str) -> Kept | None:
        return await self._run(lambda: self._find(key))

    async def drop(self, keys: Iterable[str]) -> None:
        """None of these is found any more."""
        gone = frozenset(keys)
        await self._run(lambda: self._remove(lambda name: name[:32] in gone))

    def discard(self, path: Path) -> None:
        """One that was given no key; that it is not there is no error."""
        with suppress(OSError):
            path.unlink()

    def close(self) -> None:
        """Give the memory back."""
        self._remove(lambda _: True)
        with suppress(OSError):  # another worker has begun one more
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
                with suppress(OSError):  # just gone
                    if path.stat().st_size == pixels.bytes:
                        os.utime(path)  # by which `_trim` goes
                        return Kept(path, pixels)
        return None

    def _trim(self) -> None:
        found = []
        # With each upload: a Path for each takes thrice as long.
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
        """Some hundred, looked through with each render."""
        try:
            return os.listdir(self._folder)  # noqa: PTH208 - Path.iterdir takes four times as long
        except OSError:  # it has been removed
            return []


def serves(pixels: Pixels, image: tuple[int, int], wanted: tuple[int, int]) -> bool:
    """Whether they are as good for a picture of these sides as the original `image`, which would be decoded to no more
    for it.
    """
    return pixels.upright == image or all(
        have >= SPARE * want for have, want in zip(pixels.upright, wanted, strict=True)
    )


def kept_pixels_in(folder: Path, max_bytes: int) -> KeptPixels | None:
    """None, and a line in the log, where there can be none."""
    if not max_bytes:
        return None
    try:
        return KeptPixels(folder, max_bytes)
    except OSError as error:
        log.warning("kept pixels are off", reason=str(error))
        return None
