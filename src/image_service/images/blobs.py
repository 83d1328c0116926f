"""The bytes of images, in step with their rows: stored before the row, removed after it."""

import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import bindparam, delete, func, literal
from sqlmodel import col, select

from image_service.database.database import Database
from image_service.database.direct import Statement, Transaction
from image_service.errors import (
    BlobNotFound,
    Busy,
    DatabaseUnavailable,
    ImageServiceError,
    StorageFull,
    StorageUnavailable,
)
from image_service.images import instance
from image_service.images.keys.reservations import Reservations
from image_service.images.models import InstanceRow, ReservationRow, TrashRow
from image_service.images.queries import Image
from image_service.images.rendering.line import Line
from image_service.pixels.picture import Picture
from image_service.pixels.pool.kept import KeptPixels
from image_service.pixels.sizes import Size
from image_service.storage.base import Blob, BlobHeaders, ByteRange, Storage
from image_service.storage.names import original_name, store_prefix, variant_names

log = structlog.get_logger()

COMMIT_WITHIN = timedelta(hours=1)  # of the put: the sweep takes a blob without a row after 24 hours
BATCH = 500  # names in one delete


@dataclass(frozen=True)
class StoredOriginal:
    """Bytes that survive a power failure and that no row names yet."""

    key: str
    _reservations: Reservations = field(repr=False)
    _instance: UUID | None  # of the blob store that holds them
    _at: float
    _clock: Callable[[], float] = field(repr=False)

    async def claim(self, transaction: Transaction) -> None:
        """To be done in the transaction that names it: deletes the key's reservation.

        Raises `InstanceMismatch` when it lies in another installation's blob store, and `Busy` when its row would come
        so late that the sweep has taken the reservation, or could be looking at the bytes.
        """
        # Our clock may have stood still, with the machine. What an audit, or the sweep of the version before, took for
        # a stray a moment ago may be named: the trash keeps it for a day, and then leaves what has a row.
        found = await transaction.rows(_CLAIM, key=UUID(self.key))
        instance.require(found[0].id if found else None, self._instance)
        if not found[0].is_reserved:
            self._reservations.forget()
            raise Busy("the key was reserved too long ago to be used now")
        if found[0].is_lost or self._clock() - self._at > COMMIT_WITHIN.total_seconds():
            raise Busy("the bytes were stored too long ago to be named now")


_LOST = (
    select(TrashRow.key)
    .where(TrashRow.key == bindparam("key"), col(TrashRow.deleted_at) < func.now() - literal(COMMIT_WITHIN))
    .exists()
)
_CLAIMED = (
    delete(ReservationRow)
    .where(col(ReservationRow.key) == bindparam("key"))
    .returning(col(ReservationRow.key))
    .cte("claimed")
)
_CLAIM = Statement(select(InstanceRow.id, _LOST.label("is_lost"), select(_CLAIMED.c.key).exists().label("is_reserved")))


async def open_original(storage: Storage, image: Image, byte_range: ByteRange | None = None) -> Blob:
    """The bytes of a live image.

    Raises `RangeNotSatisfiable`, and `StorageUnavailable` also if they are missing: a fault, not a "not found".
    """
    try:
        return await storage.open(original_name(image.key), byte_range)
    except BlobNotFound as error:
        log.error("original missing", image=image.id, key=image.key)
        raise StorageUnavailable("the original is missing") from error


class Blobs:
    def __init__(
        self,
        database: Database,
        storage: Storage,
        sizes: tuple[Size, ...],
        kept: KeptPixels | None = None,
        line: Line | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`line`: whose variants are to be rendered ahead."""
        self._reservations = Reservations(database)
        self._storage = storage
        self._kept = kept
        self._line = line
        self._sizes = [str(size) for size in sizes]
        self._clock = clock

    @asynccontextmanager
    async def stored(self, picture: Picture) -> AsyncIterator[StoredOriginal]:
        """The picture's bytes under a new key; removed again if the block refuses them.

        Not if the connection to the database was lost: the commit may have succeeded, and then the bytes have a row.
        Bytes without a row have a reservation, by which the sweep finds them.
        Raises `DatabaseUnavailable`, `StorageFull`, `StorageUnavailable`.
        """
        original = await self.store(picture)
        try:
            yield original
        except DatabaseUnavailable:
            raise
        except ImageServiceError:
            await self.discard_unused(original)
            raise

    async def store(self, picture: Picture) -> StoredOriginal:
        """The same, to be named by a row or given to `discard_unused`.

        Raises `DatabaseUnavailable`, `StorageFull`, `StorageUnavailable`.
        """
        key, at = await self._reservations.take(), self._clock()
        headers = BlobHeaders(picture.format.media_type, sha256=picture.sha256)
        await self._storage.put(original_name(key), picture.path, headers)
        if self._kept is not None and picture.kept is not None:
            await self._kept.adopt(picture.kept, key)
        return StoredOriginal(key, self._reservations, await instance.stored(self._storage), at, self._clock)

    async def discard_unused(self, *originals: StoredOriginal) -> None:
        """Remove bytes that no row has ever named."""
        if not originals:
            return
        await self._forget_pixels(each.key for each in originals)
        if await self._discard([original_name(each.key) for each in originals]):
            for each in originals:
                self._reservations.give_back(each.key)

    async def close(self) -> None:
        """Give up the keys that were not used."""
        await self._reservations.close()

    def has_been_added(self, *images: Image) -> None:
        """Their rows are committed."""
        if self._line is not None:
            self._line.add(images)

    async def discard_variants(self, *gone: Image) -> None:
        """Remove all that may have been rendered of these, and kept for it; their originals stay for the sweep."""
        if self._line is not None:
            self._line.forget(image.key for image in gone)
        await self._forget_pixels(image.key for image in gone)
        for image in gone:
            variants = variant_names(image.store_id, image.slug, image.key, self._sizes)
            await self._discard([variant.blob for variant in variants])

    async def discard_store(self, store_id: int) -> None:
        """Remove all variants of a store."""
        if self._line is not None:
            self._line.forget_store(store_id)
        batch: list[str] = []
        async for blob in self._storage.list(store_prefix(store_id)):
            batch.append(blob.name)
            if len(batch) == BATCH:
                await self._discard(batch)
                batch = []
        await self._discard(batch)

    async def _forget_pixels(self, keys: Iterable[str]) -> None:
        if self._kept is not None:
            await self._kept.drop(keys)

    async def _discard(self, names: list[str]) -> bool:
        """Whether they are gone. A failure is no reason to refuse what has been done: the sweep will remove them."""
        try:
            await self._storage.delete(names)
        except (StorageUnavailable, StorageFull) as error:  # some full disks have no room to note a removal
            log.warning("blobs left for the sweep", count=len(names), reason=str(error))
            return False
        return True
