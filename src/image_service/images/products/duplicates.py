"""Adds a picture to a product that may already have it.

Pictures are the same if their stored bytes have the same SHA-256.
"""

from collections.abc import Awaitable, Callable
from enum import StrEnum

import msgspec
from sqlalchemy import bindparam
from sqlmodel import col, select

from image_service.database.database import Database
from image_service.database.direct import Row, Statement, Transaction
from image_service.errors import Busy, Duplicate
from image_service.images import galleries, idempotency
from image_service.images.galleries import Expected
from image_service.images.idempotency import Once
from image_service.images.models import IMAGE_OF_GALLERY, GalleryRow, ImageRow
from image_service.images.queries import Image, image_of

TRIES = 5  # per operation, if concurrent changes conflict


class OnDuplicate(StrEnum):
    """What a create does where the product has the picture."""

    ADD = "add"  # store a second copy
    REUSE = "reuse"  # return the existing image
    REFUSE = "refuse"


class Reused(Image, frozen=True):
    """An existing image, returned instead of a new one."""


async def unless_there(
    database: Database,
    store_id: int,
    product_id: int | None,
    sha256: str,
    on_duplicate: OnDuplicate,
    make: Callable[[bool], Awaitable[Image]],
    *,
    expected: Expected = None,
    once: Once[Image] | None = None,
) -> Image:
    """Returns what `make` makes, or the product's image with these bytes. `make(True)` must raise `Duplicate` if there
    is one when it has locked the gallery: so concurrent calls make one image.

    Raises `Duplicate`, `PreconditionFailed`, `RepeatUnderWay`, and what `make` raises.
    """
    if product_id is None or on_duplicate is OnDuplicate.ADD:
        return await make(False)
    for _ in range(TRIES):
        async with database.changes() as transaction:
            found = await _same(transaction, store_id, product_id, sha256)
            if found is not None:
                galleries.require(expected, found.revision)
                if on_duplicate is OnDuplicate.REFUSE:
                    raise Duplicate(found.id)
                reused = Reused(**msgspec.structs.asdict(image_of(found, found.revision)))
                if once is not None:
                    await idempotency.keep(transaction, once, reused)
                return reused
        try:
            return await make(True)
        except Duplicate:
            if on_duplicate is OnDuplicate.REFUSE:
                raise
    raise Busy("the picture is being added and removed")


async def require_none(transaction: Transaction, store_id: int, product_id: int, sha256: str) -> None:
    """Call it with the gallery locked. Raises `Duplicate`."""
    found = await _same(transaction, store_id, product_id, sha256)
    if found is not None:
        raise Duplicate(found.id)


async def _same(transaction: Transaction, store_id: int, product_id: int, sha256: str) -> Row | None:
    values = {"store_id": store_id, "product_id": product_id, "sha256": bytes.fromhex(sha256)}
    rows = await transaction.rows(_SAME, **values)
    return rows[0] if rows else None


_SAME = Statement(
    select(ImageRow, GalleryRow.revision)
    .join(GalleryRow, IMAGE_OF_GALLERY)
    .where(
        col(ImageRow.store_id) == bindparam("store_id"),
        col(ImageRow.sha256) == bindparam("sha256"),
        col(ImageRow.product_id) == bindparam("product_id"),
    )
    .order_by(col(ImageRow.position))
    .limit(1)
)
