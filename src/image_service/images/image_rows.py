"""Locks, inserts and updates rows of `images` inside the caller's transaction; returns whole rows.

The same statement writes the events for the store's webhooks.
"""

from typing import Any

from sqlalchemy import CTE, Select, bindparam, func
from sqlalchemy import update as update_
from sqlalchemy.dialects.postgresql import insert as insert_
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import SQLModel, col, select

from image_service.database.direct import Row, Statement, Transaction
from image_service.images.models import GalleryRow, ImageRow
from image_service.queue import outbox
from image_service.queue.outbox import Event


async def lock(transaction: Transaction, image_id: int) -> Row | None:
    """Lock an image's row until the transaction ends."""
    found = await transaction.rows(_LOCK, image_id=image_id)
    return found[0] if found else None


async def lock_all(transaction: Transaction, store_id: int, product_id: int) -> list[Row]:
    """Lock a gallery's rows, and return them, by id: all who lock several do so in one order."""
    return await transaction.rows(_LOCK_ALL, store_id=store_id, product_id=product_id)


async def insert(transaction: Transaction, columns: dict[str, Any]) -> Row:
    """`columns`: all but those that the database fills."""
    [row] = await transaction.rows(_INSERT, **columns)
    return row


async def update(transaction: Transaction, row: Row, change: dict[str, Any]) -> Row:
    """Apply `change` and return the row. Sets `updated_at` even if nothing differs."""
    columns = {name: row[name] for name in _GIVEN} | change
    [updated] = await transaction.rows(_UPDATE, image_id=row.id, **columns)
    return updated


def announcing(changed: CTE, event: Event, where: ColumnElement[bool] | None = None) -> Select[*tuple[object, ...]]:
    """`changed` returns whole rows; see `outbox.announcing`. The event has the gallery's current revision."""
    image = changed.c
    revision = (
        select(col(GalleryRow.revision))
        .where(col(GalleryRow.store_id) == image.store_id, col(GalleryRow.product_id) == image.product_id)
        .scalar_subquery()
    )
    shown = {name: image[name] for name in _TOLD} | {"revision": revision}
    return outbox.announcing(changed, event, outbox.json_of(shown), where)


_TOLD = ("id", "product_id", "position", "key", "slug", "format", "created_at", "updated_at")
_ITS_OWN = ("id", "created_at", "updated_at")
_GIVEN = [column.name for column in SQLModel.metadata.tables["images"].columns if column.name not in _ITS_OWN]
_BINDS: dict[str, Any] = {name: bindparam(name) for name in _GIVEN}
_INSERT = Statement(announcing(insert_(ImageRow).values(_BINDS).returning(ImageRow).cte("image"), Event.IMAGE_CREATED))
_UPDATE = Statement(
    announcing(
        update_(ImageRow)
        .where(col(ImageRow.id) == bindparam("image_id"))
        .values(_BINDS | {"updated_at": func.now()})
        .returning(ImageRow)
        .cte("image"),
        Event.IMAGE_UPDATED,
    )
)
_LOCK = Statement(select(ImageRow).where(ImageRow.id == bindparam("image_id")).with_for_update())
_LOCK_ALL = Statement(
    select(ImageRow)
    .where(ImageRow.store_id == bindparam("store_id"), ImageRow.product_id == bindparam("product_id"))
    .order_by(col(ImageRow.id))
    .with_for_update()
)
