"""Compares originals with what their rows say: by their bytes, or by the checksum that a bucket keeps beside them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from sqlmodel import col, select

from image_service.database.database import Database
from image_service.errors import BlobNotFound, StorageFull, StorageUnavailable
from image_service.images.models import ImageRow
from image_service.storage.base import Storage
from image_service.storage.names import original_name

BATCH = 500  # rows read at a time
AT_ONCE = 8  # originals; a HEAD waits for its answer most of the time
WINDOWS = 256  # of keys; a sample has the same part of each


class OriginalState(StrEnum):
    WHOLE = "whole"
    DAMAGED = "damaged"
    MISSING = "missing"
    UNREADABLE = "unreadable"  # the store works, but reading this blob failed: a bad sector, permissions


@dataclass(frozen=True)
class Verified:
    image_id: int
    store_id: int
    blob: str
    state: OriginalState
    read: bool = True  # its bytes; else the store's checksum and size were compared


class Rows(Protocol):
    """Selects and orders images; a place is where to resume."""

    async def after(self, database: Database, place: str) -> tuple[Sequence[ImageRow], str | None]:
        """Some more, and the place after them; None: there are no more. "" is the first place."""
        ...


class All:
    """By their ids."""

    async def after(self, database: Database, place: str) -> tuple[Sequence[ImageRow], str | None]:
        last = int(place or 0)
        statement = select(ImageRow).where(col(ImageRow.id) > last).order_by(col(ImageRow.id)).limit(BATCH)
        async with database.statement() as session:
            rows = (await session.exec(statement)).all()
        return rows, str(rows[-1].id) if rows else None


@dataclass(frozen=True)
class Sample:
    """Keys are random: `share` of them, from 0 to 1, is a fair sample. `seed`, from 0 to 1, selects it."""

    share: float
    seed: float

    async def after(self, database: Database, place: str) -> tuple[Sequence[ImageRow], str | None]:
        width = 2**128 // WINDOWS
        start = int(place or "0", 16)
        window = start // width
        if window >= WINDOWS:
            return (), None
        first = window * width + int((1 - self.share) * self.seed * width)
        end = min(first + int(self.share * width), (window + 1) * width) - 1
        statement = select(ImageRow).where(
            col(ImageRow.key).between(UUID(int=min(max(first, start), end)), UUID(int=end))
        )
        async with database.statement() as session:
            rows = (await session.exec(statement.order_by(col(ImageRow.key)).limit(BATCH))).all()
        full = len(rows) == BATCH and rows[-1].key.int < end
        return rows, f"{rows[-1].key.int + 1 if full else (window + 1) * width:x}"


async def verify(
    database: Database,
    storage: Storage,
    *,
    read: bool = False,
    rows: Sequence[ImageRow] | None = None,
    at_once: int = AT_ONCE,
) -> AsyncIterator[Verified]:
    """Verify every image once, by id, or these `rows`. One deleted meanwhile may be reported whole, never missing.
    Reads the bytes if `read`, if the store has no checksum, or if its checksum or size differs.

    Raises `StorageUnavailable` when the whole blob store cannot be reached, `DatabaseUnavailable`.
    """
    if rows is None:
        place: str | None = ""
        while place is not None:
            rows, place = await All().after(database, place)
            async for found in verify(database, storage, read=read, rows=rows, at_once=at_once):
                yield found
        return
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        done = await asyncio.gather(*(_verified(storage, row, read) for row in some), return_exceptions=True)
        for row, each in zip(some, done, strict=True):
            if isinstance(each, BaseException):
                raise each
            if each.state is OriginalState.WHOLE or await _still_named(database, row):
                yield each


async def _verified(storage: Storage, row: ImageRow, read: bool) -> Verified:
    name = original_name(row.key.hex)
    try:
        was_read = read or not await _is_as_sent(storage, name, row)
        state = await state_of(storage, name, row.sha256) if was_read else OriginalState.WHOLE
    except BlobNotFound:
        was_read, state = False, OriginalState.MISSING
    except StorageUnavailable:
        with suppress(StorageFull):  # from `check`, which also writes
            await storage.check()
        was_read, state = True, OriginalState.UNREADABLE
    return Verified(row.id, row.store_id, name, state, was_read)


async def _is_as_sent(storage: Storage, name: str, row: ImageRow) -> bool:
    """Whether the store's checksum and size match; False without one. Raises `BlobNotFound`, `StorageUnavailable`."""
    if not storage.keeps_sha256:
        return False
    found = await storage.describe(name)
    return (found.sha256, found.size) == (row.sha256.hex(), row.bytes)


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
    async with database.statement() as session:
        return (await session.exec(select(ImageRow.id).where(ImageRow.key == row.key))).first() is not None
