"""This installation's id, carried by the database and by the blob store: the two must never be mixed up.

A sweep that looks at another database's rows would remove every original; an upload to a folder whose disk is not
mounted would be lost when it is. Nor must the database be much older than the blob store, as one is that was restored
without its bytes: the newer images' originals would be strays to it.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, func, literal, literal_column, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from image_service.database.database import Database
from image_service.errors import BlobNotFound, InstanceMismatch
from image_service.images.models import ImageRow, InstanceRow
from image_service.storage.base import BlobHeaders, Storage
from image_service.storage.names import HIGH_WATER, INSTANCE, MARK
from image_service.storage.staging import Staging

NAME = INSTANCE
HEADERS = BlobHeaders("text/plain")
MOST_BYTES = 64  # of either
KNOWN_FOR = timedelta(hours=24)  # so that a backup, pg_dump first and then the bytes for up to a day, belongs together
# Of the sequence itself: rows may have been deleted. It is dumped and restored with its value.
_LAST_ID = select(literal_column("last_value", BigInteger)).select_from(text("images_id_seq"))


async def claim(database: Database, storage: Storage, staging: Staging) -> None:
    """Give both an id on the first start, when neither knows of any image.

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
    """Raises `InstanceMismatch` unless database and blob store carry the same id, and the database is as far."""
    found, reached = await stored(storage), await _high_water(storage)
    async with database.reading() as session:
        require((await session.exec(select(InstanceRow.id))).first(), found)
        given = (await session.exec(_LAST_ID)).one()
    if given < reached:
        raise InstanceMismatch(
            f"the database was restored: it has given ids up to {given}, its blob store knows {reached}"
        )


async def remember(database: Database, storage: Storage, staging: Staging) -> None:
    """Have the blob store know how far its database has come. Raises what storage and database raise."""
    known = await _high_water(storage)
    if reached := await _old(database, known):
        await _write(storage, staging, HIGH_WATER, str(reached))


async def _old(database: Database, known: int) -> int | None:
    """An image after `known` that is old enough; the last one, as far as ids come in the order of time.

    By halves: beside an import of millions since yesterday the last of the old ones would take a minute to come to.
    """
    is_old = col(ImageRow.created_at) < func.now() - literal(KNOWN_FOR)
    found = None
    async with database.reading() as session:
        low, high = known, (await session.exec(_LAST_ID)).one()
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
    """The blob store's mark, and whether both are as the last sweep has left them: neither was restored, replaced or
    copied since.

    Call it while holding the sweep's lock. Raises what storage and database raise.
    """
    found = await _read(storage, MARK)
    async with database.reading() as session:
        marks = (await session.exec(select(InstanceRow.mark, InstanceRow.next_mark))).first() or ()
    return found, found is not None and found in {str(mark) for mark in marks if mark is not None}


async def leave_mark(database: Database, storage: Storage, staging: Staging) -> None:
    """A new one in both. Cut short, the blob store has the old one or the new one, and the database knows both."""
    found, old, new = await _read(storage, MARK), None, uuid4()
    with suppress(ValueError):  # damaged: then there is no old one
        old = UUID(found) if found else None
    async with database.transaction() as session:
        await session.exec(update(InstanceRow).values(mark=old, next_mark=new))
    await _write(storage, staging, MARK, str(new))


def require(recorded: UUID | None, found: UUID | None) -> None:
    """Raises `InstanceMismatch` unless `found` in a blob store is what the database has `recorded`."""
    if found is None or found != recorded:
        raise InstanceMismatch(f"the database is of instance {recorded}, the blob store of {found}")


async def stored(storage: Storage) -> UUID | None:
    """What the blob store carries just now: nothing, for one, while its disk is not mounted."""
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
    if at_hand := storage.at_hand(name, MOST_BYTES):  # with every upload
        return at_hand.data.decode(errors="replace")
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
        await asyncio.to_thread(path.write_text, text)
        await storage.put(name, path, HEADERS)


async def _holds_originals(storage: Storage) -> bool:
    async for _ in storage.list("private/"):
        return True
    return False
