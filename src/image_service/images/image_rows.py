"""The rows of images inside somebody's transaction: taken, made, changed. Each has all columns of `images`."""

from typing import Any

from sqlalchemy import bindparam, func
from sqlalchemy import update as update_
from sqlalchemy.dialects.postgresql import insert as insert_
from sqlmodel import SQLModel, col, select

from image_service.database.direct import Row, Statement, Transaction
from image_service.images.models import ImageRow


async def lock(transaction: Transaction, image_id: int) -> Row | None:
    """An image's row, until the transaction ends."""
    found = await transaction.rows(_LOCK, image_id=image_id)
    return found[0] if found else None


async def lock_all(transaction: Transaction, store_id: int, product_id: int) -> list[Row]:
    """Those of a gallery, in no order."""
    return await transaction.rows(_LOCK_ALL, store_id=store_id, product_id=product_id)


async def insert(transaction: Transaction, columns: dict[str, Any]) -> Row:
    """Of all columns but those that the database fills itself."""
    [row] = await transaction.rows(_INSERT, **columns)
    return row


async def update(transaction: Transaction, row: Row, change: dict[str, Any]) -> Row:
    """The row as it is after `change`, which is one in any case: `updated_at` says so."""
    columns = {name: row[name] for name in _GIVEN} | change
    [updated] = await transaction.rows(_UPDATE, image_id=row.id, **columns)
    return updated


_ITS_OWN = ("id", "created_at", "updated_at")
_GIVEN = [column.name for column in SQLModel.metadata.tables["images"].columns if column.name not in _ITS_OWN]
_BINDS: dict[str, Any] = {name: bindparam(name) for name in _GIVEN}
_INSERT = Statement(insert_(ImageRow).values(_BINDS).returning(ImageRow))
_UPDATE = Statement(
    update_(ImageRow)
    .where(col(ImageRow.id) == bindparam("image_id"))
    .values(_BINDS | {"updated_at": func.now()})
    .returning(ImageRow)
)
_LOCK = Statement(select(ImageRow).where(ImageRow.id == bindparam("image_id")).with_for_update())
_LOCK_ALL = Statement(
    select(ImageRow)
    .where(ImageRow.store_id == bindparam("store_id"), ImageRow.product_id == bindparam("product_id"))
    .with_for_update()
)
