"""Deletes images without a product after ORPHAN_TTL."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, func, literal, tuple_
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col, select

from image_service.database.database import Database
from image_service.errors import Busy, ImageNotFound, PreconditionFailed
from image_service.images.library import Library
from image_service.images.models import ImageRow
from image_service.images.queries import microseconds

BATCH = 500  # rows read at a time
_PLACE = (col(ImageRow.created_at), col(ImageRow.id))


async def remove(database: Database, library: Library, ttl: timedelta | None, *, dry_run: bool) -> int:
    """Delete orphans older than `ttl`, as their store would; returns how many. None: they are never deleted.

    An orphan that is assigned meanwhile stays. Raises what storage and database raise.
    """
    if ttl is None:
        return 0
    past = and_(col(ImageRow.product_id).is_(None), col(ImageRow.created_at) < func.now() - literal(ttl))
    if dry_run:
        async with database.statement() as session:
            return (await session.exec(select(func.count()).select_from(ImageRow).where(past))).one()
    removed, after = 0, (datetime(1970, 1, 1, tzinfo=UTC), 0)
    while batch := await _following(database, past, after):
        for row in batch:
            # Only if unchanged: any change since has changed its version.
            with suppress(ImageNotFound, PreconditionFailed, Busy):
                await library.remove(row.store_id, row.id, expected=frozenset({microseconds(row.updated_at)}))
                removed += 1
        after = batch[-1].created_at, batch[-1].id
    return removed


async def _following(database: Database, past: ColumnElement[bool], after: tuple[datetime, int]) -> Sequence[ImageRow]:
    statement = select(ImageRow).where(past, tuple_(*_PLACE) > after).order_by(*_PLACE).limit(BATCH)
    async with database.statement() as session:
        return (await session.exec(statement)).all()
