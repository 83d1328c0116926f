"""Changes to one gallery inside somebody's transaction: its lock, its revision, its order.

Whoever changes a gallery takes its row first (`lock`), then the image's; so two changes of one gallery never
overlap, and every decision is made on what is really there.
"""

from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from image_service.errors import PreconditionFailed
from image_service.images.models import GalleryRow, ImageRow, TrashRow
from image_service.images.positions import Shift

Expected = frozenset[int] | None
"""The versions that the caller accepts (`If-Match`); None: any."""


def require(expected: Expected, version: int) -> None:
    """Raises `PreconditionFailed` unless `version` is one of those expected."""
    if expected is not None and version not in expected:
        raise PreconditionFailed


async def lock(session: AsyncSession, store_id: int, product_id: int, expected: Expected) -> int:
    """Take the gallery's row until the transaction ends, and count its revision up; returns the new one.

    A transaction that then finds nothing to change must roll back, which gives the revision back.
    Raises `PreconditionFailed`.
    """
    row = insert(GalleryRow).values(store_id=store_id, product_id=product_id, revision=1)
    counted = row.on_conflict_do_update(
        index_elements=["store_id", "product_id"],
        set_={"revision": col(GalleryRow.revision) + 1},
    ).returning(col(GalleryRow.revision))
    revision: int = (await session.exec(counted)).scalar_one()
    require(expected, revision - 1)
    return revision


async def count(session: AsyncSession, store_id: int, product_id: int) -> int:
    statement = select(func.count()).select_from(ImageRow)
    return (await session.exec(statement.where(ImageRow.store_id == store_id, ImageRow.product_id == product_id))).one()


async def shift(session: AsyncSession, store_id: int, product_id: int, by: Shift) -> None:
    """Move those that make room or close up; their `updated_at` stays (only the addressed image's changes)."""
    statement = update(ImageRow).where(
        col(ImageRow.store_id) == store_id,
        col(ImageRow.product_id) == product_id,
        col(ImageRow.position) >= by.first,
    )
    if by.last is not None:
        statement = statement.where(col(ImageRow.position) <= by.last)
    await session.exec(
        statement.values(position=col(ImageRow.position) + by.by),
        execution_options={"synchronize_session": False},
    )


async def to_trash(session: AsyncSession, rows: list[ImageRow]) -> None:
    """Remember keys whose bytes nobody needs any more."""
    values = [{"key": row.key, "store_id": row.store_id, "slug": row.slug} for row in rows]
    await session.exec(_from_now_on(insert(TrashRow).values(values)))


def _from_now_on(row: Insert) -> Insert:
    """Also where the sweep took the bytes for a stray, just before they got their image."""
    given = {"store_id": row.excluded.store_id, "slug": row.excluded.slug, "deleted_at": func.now()}
    return row.on_conflict_do_update(index_elements=["key"], set_=given)


async def delete_rows(session: AsyncSession, rows: list[ImageRow]) -> None:
    await to_trash(session, rows)
    await session.exec(
        delete(ImageRow).where(col(ImageRow.id).in_([row.id for row in rows])),
        execution_options={"synchronize_session": False},
    )


async def delete_all(session: AsyncSession, store_id: int) -> int:
    """Delete all images of a store, in the database itself; returns how many.

    Its galleries are taken first, as by every writer. They stay and count up: the store's id may be given again, an
    old revision must not.
    """
    mine = col(GalleryRow.store_id) == store_id
    await session.exec(update(GalleryRow).where(mine).values(revision=col(GalleryRow.revision) + 1))
    columns = (col(ImageRow.key), col(ImageRow.store_id), col(ImageRow.slug))
    gone = delete(ImageRow).where(col(ImageRow.store_id) == store_id).returning(*columns).cte("gone")
    trashed = await session.exec(
        _from_now_on(insert(TrashRow).from_select(["key", "store_id", "slug"], select(*gone.c)))
    )
    return trashed.rowcount
