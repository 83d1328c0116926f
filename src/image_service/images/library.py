"""Every change of images: one operation, one transaction, begun and committed here.

The order guarantees that no acknowledged upload is lost: first the blob (`storage.put` returns when it survives a
power failure), then the row, the commit and the response. A stray blob is harmless and is swept; a row without a blob
must not exist.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from enum import Enum
from typing import Any
from uuid import UUID

from image_service.database.database import Database
from image_service.database.direct import Transaction
from image_service.errors import Busy, ForeignImage, GalleryFull, ImageNotFound, InvalidField
from image_service.images import galleries, idempotency, image_rows, positions, upload_tickets
from image_service.images.blobs import Blobs
from image_service.images.galleries import Expected
from image_service.images.idempotency import Once
from image_service.images.products import duplicates
from image_service.images.queries import Image, image, image_of
from image_service.images.syncing import sources
from image_service.images.upload import Upload
from image_service.stores.changes import changes

TRIES = 5  # per operation, if concurrent changes conflict


class Unchanged(Enum):
    """Means "leave it unchanged" where None is a valid value."""

    UNCHANGED = "unchanged"


UNCHANGED = Unchanged.UNCHANGED
Alt = str | dict[str, str] | None
Within = Callable[[Transaction, Image], Awaitable[None]]  # runs in the change's transaction; an error rolls it back


class Library:
    def __init__(self, database: Database, blobs: Blobs, images_per_product: int) -> None:
        self._database = database
        self._blobs = blobs
        self._images_per_product = images_per_product

    async def add(
        self,
        store_id: int,
        upload: Upload,
        *,
        product_id: int | None = None,
        position: int | None = None,
        alt: Alt = None,
        variant_ids: Sequence[int] = (),
        expected: Expected = None,
        once: Once[Image] | None = None,
        ticket: UUID | None = None,
        within: Within | None = None,
        unique: bool = False,
        job_number: int | None = None,
    ) -> Image:
        """Add an image to a product at `position` or the end; without a product it is an orphan. Removes `variant_ids`
        from the product's other images. With an upload `ticket`, uses one of its files and its place. With a
        `job_number`, goes before the images of later jobs.

        Raises `Duplicate` if `unique` and the product has the picture, `GalleryFull`, `PreconditionFailed`,
        `RepeatUnderWay` (another process owns `once`), `StoreNotFound`, and what `upload_tickets.take`, storage and
        database raise.
        """
        async with self._blobs.stored(upload.picture) as original, changes(self._database) as transaction:
            if ticket is not None:
                position = await upload_tickets.take(transaction, ticket, upload.picture.bytes)
            at = revision = None
            if product_id is not None:
                revision = await galleries.lock(transaction, store_id, product_id, expected)
                if unique:
                    await duplicates.require_none(transaction, store_id, product_id, upload.picture.sha256)
                at = await self._open_gap(transaction, store_id, product_id, position, job_number)
                if variant_ids:
                    await galleries.take_variant_ids(transaction, store_id, product_id, variant_ids)
            await original.claim(transaction)
            placed = {"store_id": store_id, "product_id": product_id, "position": at, "job_number": job_number}
            told = {"alt": alt, "variant_ids": list(variant_ids) or None}
            row = await image_rows.insert(transaction, placed | told | upload.columns(original.key))
            added = image_of(row, revision)
            if upload.validators is not None:
                await sources.keep(transaction, row.id, row.key, upload.validators)
            if once is not None:
                await idempotency.keep(transaction, once, added)
            if within is not None:
                await within(transaction, added)
        self._blobs.has_been_added(added)
        return added

    async def assign(
        self,
        store_id: int,
        image_id: int,
        product_id: int,
        *,
        position: int | None = None,
        alt: Alt | Unchanged = UNCHANGED,
        expected: Expected = None,
        once: Once[Image] | None = None,
        unique: bool = False,
    ) -> Image:
        """Put an orphan on a product.

        Raises `InvalidField` (`image_id`) unless it is an orphan of this store, `Duplicate` if `unique` and the
        product has it, `GalleryFull`, `PreconditionFailed`, `RepeatUnderWay`.
        """
        async with changes(self._database) as transaction:
            revision = await galleries.lock(transaction, store_id, product_id, expected)
            row = await image_rows.lock(transaction, image_id)
            if row is None or row.store_id != store_id:
                raise InvalidField("image_id", "does not exist")
            if row.product_id is not None:
                raise InvalidField("image_id", "is already assigned to a product")
            if unique:
                await duplicates.require_none(transaction, store_id, product_id, row.sha256.hex())
            at = await self._open_gap(transaction, store_id, product_id, position)
            change = {"product_id": product_id, "position": at} | ({} if alt is UNCHANGED else {"alt": alt})
            assigned = image_of(await image_rows.update(transaction, row, change), revision)
            if once is not None:
                await idempotency.keep(transaction, once, assigned)
        self._blobs.has_been_added(assigned)
        return assigned

    async def change(
        self,
        store_id: int,
        product_id: int,
        image_id: int,
        *,
        position: int | None = None,
        alt: Alt | Unchanged = UNCHANGED,
        variant_ids: Sequence[int] | Unchanged = UNCHANGED,
        upload: Upload | None = None,
        expected: Expected = None,
    ) -> Image:
        """Move an image of a product, change its `alt`, replace its bytes, and set its `variant_ids`, which are
        removed from the product's other images. Atomic.

        A call that changes nothing keeps `updated_at` and revision.
        Raises `ImageNotFound` if the product has no such image, `PreconditionFailed`.
        """
        storing = nullcontext() if upload is None else self._blobs.stored(upload.picture)
        async with storing as original, changes(self._database) as transaction:
            revision = await galleries.lock(transaction, store_id, product_id, expected)
            row = await image_rows.lock(transaction, image_id)
            if row is None or row.store_id != store_id or row.product_id != product_id:
                raise ImageNotFound
            before = image_of(row, revision - 1)
            change: dict[str, Any] = {}
            if position is not None:
                here = before.position or 0
                at = await galleries.move(transaction, store_id, product_id, here, position)
                if at != here:
                    change |= {"position": at, "job_number": None}
            if alt is not UNCHANGED:
                change["alt"] = alt
            if variant_ids is not UNCHANGED:
                change["variant_ids"] = list(variant_ids) or None
                if gained := set(variant_ids).difference(before.variant_ids or ()):
                    await galleries.take_variant_ids(transaction, store_id, product_id, gained)
            if upload is not None and original is not None:
                await galleries.to_trash(transaction, [image_id])
                change |= upload.columns(original.key)
                await original.claim(transaction)
            if all(row[name] == value for name, value in change.items()):
                transaction.void()
                return before
            updated = await image_rows.update(transaction, row, change)
            if upload is not None and upload.validators is not None:
                await sources.keep(transaction, image_id, updated.key, upload.validators)
            changed = image_of(updated, revision)
        # Only after the commit: an error here must not remove the new blob.
        if upload is not None:
            self._blobs.has_been_added(changed)
            await self._blobs.discard_variants(before)
        return changed

    async def remove(
        self,
        store_id: int,
        image_id: int,
        *,
        product_id: int | None = None,
        assigned: bool | None = None,
        expected: Expected = None,
    ) -> None:
        """Delete an image, and close the gap. With `product_id`, only if it is on that product; with `assigned`, only
        if it is on any (True) or on none (False).

        Raises `ImageNotFound` (`ForeignImage` if another store has it), `PreconditionFailed`.
        """
        where = product_id
        for _ in range(TRIES):
            if product_id is None:
                where = (await image(self._database, store_id, image_id)).product_id
            async with changes(self._database) as transaction:
                if where is not None:
                    await galleries.lock(transaction, store_id, where, expected)
                row = await image_rows.lock(transaction, image_id)
                if row is None or (product_id is not None and row.product_id != product_id):
                    raise ImageNotFound
                if assigned is not None and (row.product_id is not None) != assigned:
                    raise ImageNotFound
                if row.store_id != store_id:
                    raise ForeignImage
                if row.product_id != where:  # changed meanwhile: look again
                    transaction.void()
                    continue
                removed = image_of(row, None)
                if where is None:
                    galleries.require(expected, removed.version)
                await galleries.delete_rows(transaction, [image_id])
                if where is not None and removed.position is not None:
                    await galleries.shift(transaction, store_id, where, positions.closing(removed.position))
            await self._blobs.discard_variants(removed)
            return
        raise Busy("the image is being moved about")

    async def empty(self, store_id: int, product_id: int, *, forget: bool = False, expected: Expected = None) -> None:
        """Delete all images of a product; an empty gallery stays as it is. `forget` deletes name and key too.

        Raises `PreconditionFailed`.
        """
        async with changes(self._database) as transaction:
            await galleries.lock(transaction, store_id, product_id, expected)
            rows = await image_rows.lock_all(transaction, store_id, product_id)
            forgotten = forget and await galleries.forget(transaction, store_id, product_id)
            if not rows and not forgotten:
                transaction.void()
                return
            await galleries.delete_rows(transaction, [row.id for row in rows])
        await self._blobs.discard_variants(*(image_of(row, None) for row in rows))

    async def _open_gap(
        self,
        transaction: Transaction,
        store_id: int,
        product_id: int,
        position: int | None,
        job_number: int | None = None,
    ) -> int:
        """Make room for an image at `position` or the end, before the images of jobs after `job_number`; returns the
        position. Raises `GalleryFull`.
        """
        count = await galleries.count(transaction, store_id, product_id)
        if count >= self._images_per_product:
            raise GalleryFull(self._images_per_product)
        later: set[int] = set()
        if job_number is not None:
            later = await galleries.requested_after(transaction, store_id, product_id, job_number)
        at = positions.entering(position, count, later)
        if at <= count:
            await galleries.shift(transaction, store_id, product_id, positions.opening(at))
        return at
