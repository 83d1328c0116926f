"""Puts rendered variants where clients find them, while their image's row is locked.

A deletion or a replacement waits for that lock, and removes the variants afterwards. So once it is answered, no render
that began before it can put a variant there.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import select

from image_service.database.database import Database
from image_service.database.direct import Statement, Transaction
from image_service.errors import BlobNotFound
from image_service.images.models import ImageRow
from image_service.images.rendering.offered import public_headers
from image_service.pixels.picture import Format
from image_service.storage.base import BlobHeaders, Storage
from image_service.storage.lightest import MARKER_HEADERS
from image_service.storage.names import VariantName
from image_service.storage.staging import Staging

AT_ONCE = 4  # in one process; each holds a connection to the database as long as the blob store takes

_HOLD = Statement(
    select(ImageRow.id)
    .where(ImageRow.key == bindparam("key"), ImageRow.store_id == bindparam("store_id"))
    .with_for_update(read=True, key_share=True)
)


async def _hold(transaction: Transaction, name: VariantName) -> None:
    """Lock the image's row until the transaction ends. Raises `BlobNotFound`."""
    if not await transaction.rows(_HOLD, key=UUID(name.key), store_id=name.store_id):
        raise BlobNotFound


class Placing:
    def __init__(self, database: Database, storage: Storage, staging: Staging, max_bytes: int) -> None:
        """`max_bytes` of a variant."""
        self._database = database
        self._storage = storage
        self._staging = staging
        self._max_bytes = max_bytes
        self._turns = asyncio.Semaphore(AT_ONCE)

    def takes(self, source: Path) -> bool:
        """Whether a variant is small enough to be stored. It was just written: `stat` reads no disk."""
        return source.stat().st_size <= self._max_bytes

    async def put(self, name: VariantName, source: Path, heavier: Iterable[VariantName]) -> bool:
        """Store the variant, and before it the markers of the `heavier` formats: a variant without one may be sent.
        What is stored already stays as it is. Returns whether the variant was stored now.

        Raises `BlobNotFound` if its image was deleted or replaced, `DatabaseUnavailable`, `StorageFull`,
        `StorageUnavailable`. Before that it removes what it may have stored.
        """
        begun: list[str] = []
        try:
            async with self._turns, self._database.changes() as transaction:
                await _hold(transaction, name)
                await self._mark(heavier, begun)
                return await self._put_new(name.blob, source, public_headers(Format(name.ext)), begun)
        except BaseException:
            # The lock may have been lost before a blob was stored, and the image deleted meanwhile.
            if begun:
                await self._storage.delete(begun)
            raise

    async def _mark(self, heavier: Iterable[VariantName], begun: list[str]) -> None:
        markers = [each.marker for each in heavier if each.marker is not None]
        if markers:
            async with self._staging.file() as empty:
                empty.touch()
                for marker in markers:
                    await self._put_new(marker, empty, MARKER_HEADERS, begun)

    async def _put_new(self, blob: str, source: Path, headers: BlobHeaders, begun: list[str]) -> bool:
        """Store the blob if there is none, and first add its name to `begun`. Returns whether it was stored."""
        if await self._storage.exists(blob):
            return False
        begun.append(blob)
        await self._storage.put(blob, source, headers)
        return True
