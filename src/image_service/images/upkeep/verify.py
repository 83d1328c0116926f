"""Reads every original again and compares it with what its row says."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from sqlmodel import col, select

from image_service.database.database import Database
from image_service.errors import BlobNotFound, StorageFull, StorageUnavailable
from image_service.images.models import ImageRow
from image_service.storage.base import Storage
from image_service.storage.names import original_name

BATCH = 500  # rows read at a time


class OriginalState(StrEnum):
    WHOLE = "whole"
    DAMAGED = "damaged"
    MISSING = "missing"
    UNREADABLE = "unreadable"  # the blob store itself answers, but not with this one: a bad sector, a mode


@dataclass(frozen=True)
class Verified:
    image_id: int
    store_id: int
    blob: str
    state: OriginalState


async def verify(database: Database, storage: Storage) -> AsyncIterator[Verified]:
    """Every image once, by id. One that is deleted meanwhile may be said to be whole, never to be missing.

    Raises `StorageUnavailable` when the whole blob store cannot be reached, `DatabaseUnavailable`.
    """
    last = 0
    while True:
        statement = select(ImageRow).where(col(ImageRow.id) > last).order_by(col(ImageRow.id)).limit(BATCH)
        async with database.reading() as session:
            rows = (await session.exec(statement)).all()
        for row in rows:
            name = original_name(row.key.hex)
            try:
                state = await state_of(storage, name, row.sha256)
            except StorageUnavailable:
                with suppress(StorageFull):  # that of `check`, which also writes
                    await storage.check()
                state = OriginalState.UNREADABLE
            if state is OriginalState.WHOLE or await _still_named(database, row):
                yield Verified(row.id, row.store_id, name, state)
        if not rows:
            return
        last = rows[-1].id


async def state_of(storage: Storage, name: str, sha256: bytes) -> OriginalState:
    """WHOLE, DAMAGED or MISSING. Raises `StorageUnavailable`."""
    digest = hashlib.sha256()
    try:
        blob = await storage.open(name)
    except BlobNotFound:
        return OriginalState.MISSING
    try:
        async for chunk in blob.chunks:
            await asyncio.to_thread(digest.update, chunk)
    finally:
        await blob.aclose()
    return OriginalState.WHOLE if digest.digest() == sha256 else OriginalState.DAMAGED


async def _still_named(database: Database, row: ImageRow) -> bool:
    async with database.reading() as session:
        return (await session.exec(select(ImageRow.id).where(ImageRow.key == row.key))).first() is not None
