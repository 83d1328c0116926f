"""Changes to one gallery inside the caller's transaction: its lock, its revision, its order.

Every change locks the gallery's row first (`lock`), then the image's. So changes of one gallery are serialized, and
every decision uses current rows.
"""

from collections.abc import Collection

from sqlalchemy import ARRAY, BigInteger, Integer, bindparam, delete, func, null, update
from sqlalchemy.dialects.postgresql import Insert, aggregate_order_by, insert
from sqlmodel import col, select

from image_service.database.direct import Statement, Transaction
from image_service.errors import PreconditionFailed
from image_service.images import image_rows
from image_service.images.models import GalleryRow, ImageRow, ProductRow, TrashRow
from image_service.images.positions import Shift, moving, place
from image_service.queue import outbox
from image_service.queue.outbox import Event

Expected = frozenset[int] | None
"""The versions that the caller accepts (`If-Match`); None: any."""


def require(expected: Expected, version: int) -> None:
    """Raises `PreconditionFailed` unless `version` is one of those expected."""
    if expected is not None and version not in expected:
        raise PreconditionFailed


async def lock(transaction: Transaction, store_id: int, product_id: int, expected: Expected) -> int:
    """Lock the gallery's row until the transaction ends, and increment its revision; returns the new one.

    Each revision is an event for the store's webhooks. A transaction that changes nothing must call `void`, which
    rolls back the revision and the event.
    Raises `PreconditionFailed`.
    """
    [row] = await transaction.rows(_LOCK, store_id=store_id, product_id=product_id)
    revision: int = row.revision
    require(expected, revision - 1)
    return revision


async def count(transaction: Transaction, store_id: int, product_id: int) -> int:
    [row] = await transaction.rows(_COUNT, store_id=store_id, product_id=product_id)
    found: int = row.images
    return found


async def requested_after(transaction: Transaction, store_id: int, product_id: int, job_number: int) -> set[int]:
    """The positions of the images that later jobs made."""
    rows = await transaction.rows(_REQUESTED_AFTER, store_id=store_id, product_id=product_id, job_number=job_number)
    return {row.position for row in rows}


async def forget_job_numbers(transaction: Transaction, store_id: int, product_id: int) -> None:
    """Forget which jobs made the product's images, so that no create that arrives later goes before them."""
    await transaction.rows(_FORGET_JOB_NUMBERS, store_id=store_id, product_id=product_id)


async def shift(transaction: Transaction, store_id: int, product_id: int, by: Shift) -> None:
    """Move images to make room or close a gap; their `updated_at` stays (only the addressed image's changes)."""
    last = MAX_POSITION if by.last is None else by.last
    await transaction.rows(_SHIFT, store_id=store_id, product_id=product_id, first=by.first, last=last, by=by.by)


async def move(transaction: Transaction, store_id: int, product_id: int, here: int, position: int) -> int:
    """Shift the others for a move of the image at `here` to `position`; returns its new position."""
    at = place(position, await count(transaction, store_id, product_id))
    if at != here:
        await shift(transaction, store_id, product_id, moving(here, at))
    return at


async def take_variant_ids(
    transaction: Transaction, store_id: int, product_id: int, variant_ids: Collection[int]
) -> None:
    """Remove these variant ids from the product's images; their `updated_at` stays."""
    await transaction.rows(_TAKE_VARIANT_IDS, store_id=store_id, product_id=product_id, taken=list(variant_ids))


async def forget(transaction: Transaction, store_id: int, product_id: int) -> bool:
    """Delete the product's name and key; False if none."""
    return bool(await transaction.rows(_FORGET, store_id=store_id, product_id=product_id))


async def to_trash(transaction: Transaction, ids: list[int]) -> None:
    """Put these images' keys in the trash: their blobs are not needed."""
    await transaction.rows(_TO_TRASH, ids=ids)


async def delete_rows(transaction: Transaction, ids: list[int]) -> None:
    await to_trash(transaction, ids)
    await transaction.rows(_DELETE, ids=ids)


async def delete_some(transaction: Transaction, store_id: int, most: int) -> int:
    """Delete about `most` images of a store: of whole galleries, orphans when no gallery is left. Returns how many.

    Locks the galleries first, as every writer does. They stay, with a higher revision: a store id may be reused, a
    revision must not.
    """
    locked = await transaction.rows(_LOCK_WITH_IMAGES, store_id=store_id, most=most)
    if locked:
        ids = [row.product_id for row in locked]
        images = await transaction.rows(_OF_PRODUCTS, store_id=store_id, product_ids=ids)
    else:
        images = await transaction.rows(_ORPHANS, store_id=store_id, most=most)
    await delete_rows(transaction, [row.id for row in images])
    return len(images)


async def forget_some(transaction: Transaction, store_id: int, most: int) -> int:
    """Delete name and key of at most `most` products of a store, as `delete_some` does; returns how many."""
    locked = await transaction.rows(_LOCK_DESCRIBED, store_id=store_id, most=most)
    await transaction.rows(_FORGET_ALL, store_id=store_id, product_ids=[row.product_id for row in locked])
    return len(locked)


def _from_now_on(row: Insert) -> Insert:
    """Update the trash row if the sweep already took the blob for a stray."""
    given = {name: row.excluded[name] for name in ("store_id", "slug", "image_id")} | {"deleted_at": func.now()}
    return row.on_conflict_do_update(index_elements=["key"], set_=given)


MAX_POSITION = 2**31 - 1  # column limit
_HERE = (
    col(ImageRow.store_id) == bindparam("store_id"),
    col(ImageRow.product_id) == bindparam("product_id"),
)
_THESE = col(ImageRow.id) == func.any(bindparam("ids", type_=ARRAY(BigInteger)))
_LOCKED = (
    insert(GalleryRow)
    .values(store_id=bindparam("store_id"), product_id=bindparam("product_id"), revision=1)
    .on_conflict_do_update(index_elements=["store_id", "product_id"], set_={"revision": col(GalleryRow.revision) + 1})
    .returning(GalleryRow)
    .cte("gallery")
)
_LOCK = Statement(
    outbox.announcing(
        _LOCKED,
        Event.GALLERY_CHANGED,
        outbox.json_of({"product_id": _LOCKED.c.product_id, "revision": _LOCKED.c.revision}),
    )
)
_COUNT = Statement(select(func.count().label("images")).select_from(ImageRow).where(*_HERE))
_REQUESTED_AFTER = Statement(
    select(col(ImageRow.position)).where(*_HERE, col(ImageRow.job_number) > bindparam("job_number"))
)
_FORGET_JOB_NUMBERS = Statement(
    update(ImageRow).where(*_HERE, col(ImageRow.job_number).is_not(None)).values(job_number=null())
)
_SHIFT = Statement(
    update(ImageRow)
    .where(*_HERE, col(ImageRow.position).between(bindparam("first"), bindparam("last")))
    .values(position=col(ImageRow.position) + bindparam("by", type_=Integer))
)
_TAKEN = bindparam("taken", type_=ARRAY(BigInteger))
_VARIANT = func.unnest(col(ImageRow.variant_ids)).table_valued("id", with_ordinality="place").render_derived()
_TAKE_VARIANT_IDS = Statement(
    update(ImageRow)
    .where(*_HERE, col(ImageRow.variant_ids).op("&&")(_TAKEN))
    .values(
        variant_ids=select(func.array_agg(aggregate_order_by(_VARIANT.c.id, _VARIANT.c.place)))
        .where(_VARIANT.c.id != func.all(_TAKEN))
        .correlate(ImageRow)
        .scalar_subquery()
    )
)
_TO_TRASH = Statement(
    _from_now_on(
        insert(TrashRow).from_select(
            ["key", "store_id", "slug", "image_id"],
            select(ImageRow.key, ImageRow.store_id, ImageRow.slug, ImageRow.id).where(_THESE),
        )
    )
)
_FORGET = Statement(
    delete(ProductRow)
    .where(
        col(ProductRow.store_id) == bindparam("store_id"),
        col(ProductRow.product_id) == bindparam("product_id"),
    )
    .returning(col(ProductRow.product_id))
)
_MOST = bindparam("most", type_=BigInteger)
_PRODUCTS = func.any(bindparam("product_ids", type_=ARRAY(BigInteger)))


def _lock_some(row: type[ImageRow] | type[ProductRow]) -> Statement:
    """Lock galleries of products that have such a row."""
    theirs = (
        select(row.product_id)
        .where(col(row.store_id) == bindparam("store_id"), col(row.product_id).is_not(None))
        .order_by(col(row.product_id))
        .limit(_MOST)
    )
    return Statement(
        update(GalleryRow)
        .where(col(GalleryRow.store_id) == bindparam("store_id"), col(GalleryRow.product_id).in_(theirs))
        .values(revision=col(GalleryRow.revision) + 1)
        .returning(col(GalleryRow.product_id))
    )


_LOCK_WITH_IMAGES, _LOCK_DESCRIBED = _lock_some(ImageRow), _lock_some(ProductRow)
_OF_PRODUCTS = Statement(
    select(ImageRow.id).where(col(ImageRow.store_id) == bindparam("store_id"), col(ImageRow.product_id) == _PRODUCTS)
)
_ORPHANS = Statement(
    select(ImageRow.id)
    .where(col(ImageRow.store_id) == bindparam("store_id"), col(ImageRow.product_id).is_(None))
    .limit(_MOST)
    .with_for_update()
)
_FORGET_ALL = Statement(
    delete(ProductRow).where(col(ProductRow.store_id) == bindparam("store_id"), col(ProductRow.product_id) == _PRODUCTS)
)
_DELETE = Statement(
    image_rows.announcing(delete(ImageRow).where(_THESE).returning(ImageRow).cte("image"), Event.IMAGE_DELETED)
)
