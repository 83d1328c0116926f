"""Copies a blob to a local file."""

import asyncio
import hashlib
from pathlib import Path

import aiofiles

from image_service.storage.base import Storage
from image_service.storage.local import named_failures


async def fetch(storage: Storage, name: str, path: Path) -> bytes:
    """Write the blob's bytes to `path`; return their SHA-256.

    Raises `BlobNotFound`, `StorageFull`, `StorageUnavailable`, the last two also for the local file.
    """
    digest = hashlib.sha256()
    blob = await storage.open(name)
    try:
        with named_failures(name):
            async with aiofiles.open(path, "wb") as file:
                async for chunk in blob.chunks:
                    await file.write(chunk)
                    await asyncio.to_thread(digest.update, chunk)
    finally:
        await blob.aclose()
    return digest.digest()
