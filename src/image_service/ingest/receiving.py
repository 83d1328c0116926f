"""Streams bytes to disk, and counts and hashes them. Memory use does not grow with the size."""

import asyncio
import hashlib
from pathlib import Path

from image_service.errors import PictureRefused, Refusal, StorageFull, StorageUnavailable
from image_service.storage.durable import is_full

BUFFER_BYTES = 256 * 1024  # written and hashed per switch to a thread


def too_heavy(field: str, max_bytes: int, *, fetched: bool = False) -> PictureRefused:
    refusal = Refusal.TOO_HEAVY_FETCHED if fetched else Refusal.TOO_HEAVY
    return PictureRefused(field, refusal, limit=max_bytes)


class Receiver:
    """One file being received. `field` is the request's field, named in a refusal."""

    def __init__(self, path: Path, field: str, max_bytes: int, *, is_kept: bool = True) -> None:
        self.path = path
        self.field = field
        self.bytes = 0
        self.is_base64 = True  # False: invalid base64, and no bytes are stored
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._digest = hashlib.sha256() if is_kept else None

    async def write(self, chunk: bytes | memoryview) -> None:
        """Raises `PictureRefused` (too heavy), `StorageFull`, `StorageUnavailable`."""
        self.bytes += len(chunk)
        if self.bytes > self._max_bytes:
            raise too_heavy(self.field, self._max_bytes)
        self._buffer += chunk
        if len(self._buffer) >= BUFFER_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Write the buffer to disk. Raises as `write` does."""
        buffer, self._buffer = self._buffer, bytearray()
        try:
            await asyncio.to_thread(self._append, buffer)
        except OSError as error:
            raise (StorageFull if is_full(error) else StorageUnavailable)(str(error)) from error

    def _append(self, buffer: bytearray) -> None:
        with self.path.open("ab") as file:
            file.write(buffer)
        if self._digest is not None:
            self._digest.update(buffer)

    async def sha256(self, end: int) -> str:
        """The digest of the first `end` bytes. The file is cut there: bytes after the image are not kept."""
        if self._digest is not None and end == self.bytes:
            return self._digest.hexdigest()
        self.bytes = end
        return await asyncio.to_thread(self._cut, end)

    async def begins_with(self, count: int, sha256: str) -> bool:
        """Whether its first `count` bytes have this digest: bytes after an image are never kept."""
        if self.bytes < count:
            return False
        if self.bytes == count and self._digest is not None:
            return self._digest.hexdigest() == sha256
        return await asyncio.to_thread(self._digest_of, count) == sha256

    def _digest_of(self, count: int) -> str:
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            while count and (chunk := file.read(min(count, BUFFER_BYTES))):
                digest.update(chunk)
                count -= len(chunk)
        return digest.hexdigest()

    def _cut(self, end: int) -> str:
        with self.path.open("r+b") as file:
            file.truncate(end)
            return hashlib.file_digest(file, "sha256").hexdigest()
