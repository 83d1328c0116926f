"""This installation's id, carried by the database and by the blob store: the two must never be mixed up.

A sweep that looks at another database's rows would remove every original; an upload to a folder whose disk is not
mounted would be lost when it is.
"""

import asyncio
from uuid import UUID, uuid4

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from image_service.database import Database
from image_service.errors import BlobNotFound, InstanceMismatch
from image_service.images.models import ImageRow, InstanceRow
from image_service.storage.base import BlobHeaders, Storage
from image_service.storage.staging import Staging

NAME = "private/instance"
HEADERS = BlobHeaders("text/plain")


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
        async with staging.file() as path:
            await asyncio.to_thread(path.write_text, str(recorded))
            await storage.put(NAME, path, HEADERS)
    await check(database, storage)


async def check(database: Database, storage: Storage) -> None:
    """Raises `InstanceMismatch` unless database and blob store carry the same id."""
    found = await stored(storage)
    async with database.reading() as session:
        await require(session, found)


async def require(session: AsyncSession, found: UUID | None) -> None:
    """Raises `InstanceMismatch` unless `found` in a blob store is what this database carries."""
    recorded = (await session.exec(select(InstanceRow.id))).first()
    if found is None or found != recorded:
        raise InstanceMismatch(f"the database is of instance {recorded}, the blob store of {found}")


async def stored(storage: Storage) -> UUID | None:
    """What the blob store carries just now: nothing, for one, while its disk is not mounted."""
    try:
        blob = await storage.open(NAME)
    except BlobNotFound:
        return None
    try:
        return UUID(b"".join([chunk async for chunk in blob.chunks]).decode())
    except ValueError as error:
        raise InstanceMismatch(f"{NAME} in the blob store is damaged: it holds no id") from error
    finally:
        await blob.aclose()


async def _holds_originals(storage: Storage) -> bool:
    async for _ in storage.list("private/"):
        return True
    return False
