"""Image blobs, kept in step with rows: stored before the row is written, removed after it."""

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
from image_service.images.rendering.render_queue import RenderQueue
from image_service.pixels.picture import Picture
from image_service.pixels.pool.kept import KeptPixels
from image_service.pixels.sizes import Size
from image_service.storage.base import Blob, BlobHeaders, ByteRange, Storage
from image_service.storage.names import original_name, store_prefix, variant_names

log = structlog.get_logger()

COMMIT_WITHIN = timedelta(hours=1)  # after the put: the sweep takes a blob without a row at 24 hours
BATCH = 500  # names in one delete


@dataclass(frozen=True)
class StoredOriginal:
    """A durably stored original that no row names yet."""

    key: str
    _reservations: Reservations = field(repr=False)
    _found: instance.Found = field(repr=False)  # in the blob store that holds it
    _at: float
    _clock: Callable[[], float] = field(repr=False)

    async def claim(self, transaction: Transaction) -> None:
        """Delete the key's reservation, in the transaction that writes the row, and before it inserts an image.

        Raises `InstanceMismatch` if the blob is in another installation's blob store, or the database was restored
        without it, and `Busy` if the sweep has taken the reservation or could already be checking the blob.
        """
        # The clock stops if the machine is suspended. A key that an audit, or the previous version's sweep, just put
        # in the trash may be used: the trash keeps it for a day, and skips keys that have a row by then.
        rows = await transaction.rows(_CLAIM, key=UUID(self.key))
        recorded, given = (rows[0].id, rows[0].given) if rows else (None, 0)
        instance.require(recorded, given, self._found)  # raises if there is no row
        [row] = rows
        if not row.is_reserved:
            self._reservations.forget()
            raise Busy("the key was reserved too long ago to be used now")
        if row.is_lost or self._clock() - self._at > COMMIT_WITHIN.total_seconds():
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
_CLAIM = Statement(
    select(
        InstanceRow.id,
        instance.LAST_ID.scalar_subquery().label("given"),
        _LOST.label("is_lost"),
        select(_CLAIMED.c.key).exists().label("is_reserved"),
    )
)


async def open_original(storage: Storage, image: Image, byte_range: ByteRange | None = None) -> Blob:
    """Open the original of a live image.

    Raises `RangeNotSatisfiable`, and `StorageUnavailable`, also if the original is missing: that is a fault.
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
        queue: RenderQueue | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`queue`: images to render variants of ahead."""
        self._reservations = Reservations(database)
        self._storage = storage
        self._kept = kept
        self._queue = queue
        self._sizes = [str(size) for size in sizes]
        self._clock = clock

    @asynccontextmanager
    async def stored(self, picture: Picture) -> AsyncIterator[StoredOriginal]:
        """Store the picture under a new key; remove it if the block raises.

        Keeps it if the database connection was lost: the commit may have succeeded, and then the blob has a row.
        A blob without a row has a reservation, by which the sweep finds it.
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
        """Store a picture. The caller writes its row or calls `discard_unused`.

        Raises `DatabaseUnavailable`, `StorageFull`, `StorageUnavailable`.
        """
        key, at = await self._reservations.take(), self._clock()
        headers = BlobHeaders(picture.format.media_type, sha256=picture.sha256)
        await self._storage.put(original_name(key), picture.path, headers)
        if self._kept is not None and picture.kept is not None:
            await self._kept.adopt(picture.kept, key)
        return StoredOriginal(key, self._reservations, await instance.look(self._storage), at, self._clock)

    async def discard_unused(self, *originals: StoredOriginal) -> None:
        """Remove originals that no row has named."""
        if not originals:
            return
        self._forget_pixels(each.key for each in originals)
        if await self._discard([original_name(each.key) for each in originals]):
            for each in originals:
                self._reservations.give_back(each.key)

    async def close(self) -> None:
        """Give up the unused reserved keys."""
        await self._reservations.close()

    def has_been_added(self, *images: Image) -> None:
        """Call it after the commit."""
        if self._queue is not None:
            self._queue.add(images)

    async def discard_variants(self, *gone: Image) -> None:
        """Remove these images' variants and kept pixels; the sweep removes their originals."""
        if self._queue is not None:
            self._queue.forget(image.key for image in gone)
        self._forget_pixels(image.key for image in gone)
        for image in gone:
            variants = variant_names(image.store_id, image.slug, image.key, self._sizes)
            await self._discard([variant.blob for variant in variants])

    async def discard_store(self, store_id: int) -> None:
        """Remove all variants of a store."""
        if self._queue is not None:
            self._queue.forget_store(store_id)
        batch: list[str] = []
        async for blob in self._storage.list(store_prefix(store_id)):
            batch.append(blob.name)
            if len(batch) == BATCH:
                await self._discard(batch)
                batch = []
        await self._discard(batch)

    def _forget_pixels(self, keys: Iterable[str]) -> None:
        if self._kept is not None:
            self._kept.drop(keys)

    async def _discard(self, names: list[str]) -> bool:
        """Whether the blobs are deleted. A failure does not fail the request: the sweep removes them later."""
        try:
            await self._storage.delete(names)
        except (StorageUnavailable, StorageFull) as error:  # some file systems cannot delete on a full disk
            log.warning("blobs left for the sweep", count=len(names), reason=str(error))
            return False
        return True
