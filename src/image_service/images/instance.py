"""This installation's id, stored in both the database and the blob store, so that they are never mismatched.

A sweep with another installation's database would remove every original. An upload to an unmounted disk's folder
would be lost once it is mounted. The database must not be much older than the blob store either, as after a restore
of the database alone: the sweep would take newer originals for strays. No upload is taken then, so that its ids stay
behind until an operator acts.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, func, literal, literal_column, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from image_service.database.database import Database
from image_service.errors import BlobNotFound, InstanceMismatch
from image_service.images.models import ImageRow, InstanceRow
from image_service.storage.base import BlobHeaders, Storage
from image_service.storage.local import named_failures
from image_service.storage.names import HIGH_WATER, INSTANCE, MARK
from image_service.storage.staging import Staging

NAME = INSTANCE
HEADERS = BlobHeaders("text/plain")
MOST_BYTES = 64  # of a file
KNOWN_FOR = timedelta(hours=24)  # so that a backup (pg_dump, then the blobs for up to a day) passes the check
# The sequence's value, since rows may have been deleted. pg_dump saves and restores it. Insert no image before
# `require`: a rollback does not take its id back.
LAST_ID = select(literal_column("last_value", BigInteger)).select_from(text("images_id_seq"))


@dataclass(frozen=True)
class Found:
    """What the blob store knows of its database."""

    id: UUID | None  # None, for example, while its disk is not mounted
    reached: int  # an image id that the database gave over a day ago; 0: none yet


async def claim(database: Database, storage: Storage, staging: Staging) -> None:
    """Give both an id on the first start, when neither has an image.

    Raises `InstanceMismatch` as `check` does.
    """
    async with database.transaction() as session:
        row = insert(InstanceRow).values(single=True, id=uuid4()).on_conflict_do_nothing()
        await session.exec(row)
        recorded = (await session.exec(select(InstanceRow.id))).one()
        has_rows = (await session.exec(select(ImageRow.id).limit(1))).first() is not None
    if await stored(storage) is None and not has_rows and not await _holds_originals(storage):
        await _write(storage, staging, NAME, str(recorded))
    await check(database, storage)


async def check(database: Database, storage: Storage) -> None:
    """Raises `InstanceMismatch` unless both have the same id and the database is not behind the blob store."""
    found = await look(storage)
    async with database.statement() as session:
        recorded = (await session.exec(select(InstanceRow.id))).first()
        require(recorded, (await session.exec(LAST_ID)).one(), found)


async def remember(database: Database, storage: Storage, staging: Staging) -> None:
    """Write the database's progress to the blob store. Raises what storage and database raise."""
    known = await _high_water(storage)
    if reached := await _old(database, known):
        await _write(storage, staging, HIGH_WATER, str(reached))


async def _old(database: Database, known: int) -> int | None:
    """The id of the last image after `known` that is older than `KNOWN_FOR`, assuming that ids follow time.

    Binary search: a scan would take a minute after an import of millions since yesterday.
    """
    is_old = col(ImageRow.created_at) < func.now() - literal(KNOWN_FOR)
    found = None
    async with database.statement() as session:
        low, high = known, (await session.exec(LAST_ID)).one()
        while low < high:
            middle = (low + high + 1) // 2
            within = select(ImageRow.id, is_old).where(col(ImageRow.id) > low, col(ImageRow.id) <= middle)
            row = (await session.exec(within.order_by(col(ImageRow.id).desc()).limit(1))).first()
            if row is not None and not row[1]:
                high = row[0] - 1
            else:
                low, found = middle, row[0] if row else found
    return found


async def is_as_left(database: Database, storage: Storage) -> tuple[str | None, bool]:
    """The blob store's mark, and whether both are as the last sweep left them: not restored, replaced or copied
    since.

    Call it while holding the sweep's lock. Raises what storage and database raise.
    """
    found = await _read(storage, MARK)
    async with database.statement() as session:
        marks = (await session.exec(select(InstanceRow.mark, InstanceRow.next_mark))).first() or ()
    return found, found is not None and found in {str(mark) for mark in marks if mark is not None}


async def leave_mark(database: Database, storage: Storage, staging: Staging) -> None:
    """Write a new mark to both. If interrupted, the blob store has the old or new one; the database has both."""
    found, old, new = await _read(storage, MARK), None, uuid4()
    with suppress(ValueError):  # a damaged mark counts as none
        old = UUID(found) if found else None
    async with database.transaction() as session:
        await session.exec(update(InstanceRow).values(mark=old, next_mark=new))
    await _write(storage, staging, MARK, str(new))


def require(recorded: UUID | None, given: int, found: Found) -> None:
    """Raises `InstanceMismatch` unless the database's id `recorded` is the blob store's, and `given`, its last image
    id, is not behind.
    """
    if found.id is None:
        raise InstanceMismatch(
            f"the blob store has no {NAME}: it is empty or its disk is not mounted, or the service has never started; "
            f"the database is of instance {recorded}"
        )
    if found.id != recorded:
        raise InstanceMismatch(f"the database is of instance {recorded}, the blob store of {found.id}")
    if given < found.reached:
        raise InstanceMismatch(
            f"the database was restored: it has given ids up to {given}, its blob store knows {found.reached}"
        )


async def look(storage: Storage) -> Found:
    """Called on every upload, so both are read at once. Raises `InstanceMismatch` if either is damaged."""
    return Found(*await asyncio.gather(stored(storage), _high_water(storage)))


async def stored(storage: Storage) -> UUID | None:
    """The blob store's id; None while its disk is not mounted, for example. Raises `InstanceMismatch` if damaged."""
    found = await _read(storage, NAME)
    try:
        return None if found is None else UUID(found)
    except ValueError as error:
        raise InstanceMismatch(f"{NAME} in the blob store is damaged: it holds no id") from error


async def _high_water(storage: Storage) -> int:
    found = await _read(storage, HIGH_WATER)
    try:
        return int(found or 0)
    except ValueError as error:
        raise InstanceMismatch(f"{HIGH_WATER} in the blob store is damaged: it holds no number") from error


async def _read(storage: Storage, name: str) -> str | None:
    if part := storage.read_nowait(name, MOST_BYTES):  # on every upload
        return part.data.decode(errors="replace")
    try:
        blob = await storage.open(name)
    except BlobNotFound:
        return None
    try:
        return b"".join([chunk async for chunk in blob.chunks]).decode(errors="replace")
    finally:
        await blob.aclose()


async def _write(storage: Storage, staging: Staging, name: str, text: str) -> None:
    async with staging.file() as path:
        with named_failures(name):
            await asyncio.to_thread(path.write_text, text)
        await storage.put(name, path, HEADERS)


async def _holds_originals(storage: Storage) -> bool:
    async for _ in storage.list("private/"):
        return True
    return False
