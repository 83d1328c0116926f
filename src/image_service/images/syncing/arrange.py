"""Writes a whole gallery inside the caller's transaction, which holds its lock: positions, new images, removed ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Boolean, Integer, bindparam, case, func, update
from sqlmodel import col

from image_service.database.direct import Row, Statement, Transaction
from image_service.images import galleries, image_rows
from image_service.images.blobs import StoredOriginal
from image_service.images.library import UNCHANGED, Alt, Unchanged
from image_service.images.models import ImageRow
from image_service.images.syncing import sources
from image_service.images.upload import Upload
from image_service.queue.outbox import Event


@dataclass(frozen=True)
class Bytes:
    """Stored bytes that no row names yet."""

    upload: Upload
    original: StoredOriginal


@dataclass(frozen=True)
class Placed:
    """One image of the resulting gallery."""

    position: int
    image_id: int | None  # None: a new one
    bytes: Bytes | None = None  # new bytes
    alt: Alt | Unchanged = UNCHANGED
    is_asked_for: bool = True  # else it only shifts: `updated_at` stays


async def arrange(
    transaction: Transaction,
    store_id: int,
    product_id: int,
    rows: Mapping[int, Row],
    placed: Sequence[Placed],
    removed: list[int],
) -> list[int]:
    """`rows`: the gallery's locked rows, by id. `placed`: each image that stays or is new; nothing else is
    written. Returns the ids, in the order of `placed`. Raises what `StoredOriginal.claim` does.
    """
    if removed:
        await galleries.delete_rows(transaction, removed)
    await _move(transaction, [each for each in placed if each.image_id is not None], rows)
    ids = [await _written(transaction, store_id, product_id, rows, each) for each in placed]
    if any(row.job_number is not None for row in rows.values()):
        await galleries.forget_job_numbers(transaction, store_id, product_id)
    return ids


async def _move(transaction: Transaction, placed: Sequence[Placed], rows: Mapping[int, Row]) -> None:
    """Rows with other changes are announced by `_written`."""
    moved = [each for each in placed if rows[each.image_id or 0].position != each.position]
    if moved:
        await transaction.rows(
            _MOVE,
            ids=[each.image_id for each in moved],
            positions=[each.position for each in moved],
            asked_for=[each.is_asked_for for each in moved],
            told=[each.is_asked_for and not _change(rows[each.image_id or 0], each) for each in moved],
        )


def _change(row: Row, placed: Placed) -> dict[str, Any]:
    """Changes of an image that stays, except its position."""
    change = placed.bytes.upload.columns(placed.bytes.original.key) if placed.bytes is not None else {}
    if placed.alt is not UNCHANGED:
        change["alt"] = placed.alt
    return {} if all(row[name] == value for name, value in change.items()) else change


async def _written(
    transaction: Transaction, store_id: int, product_id: int, rows: Mapping[int, Row], placed: Placed
) -> int:
    if placed.image_id is None:
        assert placed.bytes is not None  # noqa: S101 - what makes it an image
        await placed.bytes.original.claim(transaction)
        new = placed.bytes.upload.columns(placed.bytes.original.key)
        where = {"store_id": store_id, "product_id": product_id, "position": placed.position, "job_number": None}
        alt = None if placed.alt is UNCHANGED else placed.alt
        row = await image_rows.insert(transaction, {**where, "alt": alt, "variant_ids": None, **new})
    else:
        row = rows[placed.image_id]
        if not (change := _change(row, placed)):
            return placed.image_id
        if placed.bytes is not None:
            await placed.bytes.original.claim(transaction)
            await galleries.to_trash(transaction, [placed.image_id])
        row = await image_rows.update(transaction, row, {**change, "position": placed.position})
    if placed.bytes is not None and placed.bytes.upload.validators is not None:
        await sources.keep(transaction, row.id, row.key, placed.bytes.upload.validators)
    image_id: int = row.id
    return image_id


_GIVEN = func.unnest(
    bindparam("ids", type_=ARRAY(BigInteger)),
    bindparam("positions", type_=ARRAY(Integer)),
    bindparam("asked_for", type_=ARRAY(Boolean)),
    bindparam("told", type_=ARRAY(Boolean)),
).table_valued("id", "position", "asked_for", "told")
_NEW = _GIVEN.render_derived()
_MOVED = (
    update(ImageRow)
    .where(col(ImageRow.id) == _NEW.c.id)
    .values(
        position=_NEW.c.position,
        updated_at=case((_NEW.c.asked_for, func.now()), else_=col(ImageRow.updated_at)),
    )
    .returning(ImageRow, _NEW.c.told)
    .cte("image")
)
_MOVE = Statement(image_rows.announcing(_MOVED, Event.IMAGE_UPDATED, where=_MOVED.c.told))
