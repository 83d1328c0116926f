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
from image_service.storage.base import Storage
from image_service.storage.lightest import Lightest
from image_service.storage.names import VariantName

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
    def __init__(self, database: Database, storage: Storage, lightest: Lightest) -> None:
        self._database = database
        self._storage = storage
        self._lightest = lightest
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def put(self, name: VariantName, source: Path, lost: Iterable[VariantName]) -> None:
        """Store the variant, and before it notes for those of its formats that `lost` against it. One that is stored
        already stays.

        Raises `BlobNotFound` if its image was deleted or replaced, `DatabaseUnavailable`, `StorageFull`,
        `StorageUnavailable`. Before that it removes what it may have stored.
        """
        begun: list[str] = []  # blobs
        try:
            async with self._turns, self._database.changes() as transaction:
                await _hold(transaction, name)
                notes = list(lost)
                begun += self._lightest.notes(notes)
                await self._lightest.note(notes)  # first: a variant without a note may be sent
                if not await self._storage.exists(name.blob):
                    begun.append(name.blob)
                    await self._storage.put(name.blob, source, public_headers(Format(name.ext)))
        except BaseException:
            # The lock may have been lost before a blob was stored, and the image deleted meanwhile.
            if begun:
                await self._storage.delete(begun)
            raise
