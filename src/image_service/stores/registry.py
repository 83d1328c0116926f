"""The stores of this installation."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from image_service.database.database import Database
from image_service.database.locks import Lock
from image_service.errors import InvalidField, StoreNotFound
from image_service.stores import tokens
from image_service.stores.models import StoreRow
from image_service.stores.new_store import NewStore

__all__ = ["NewStore", "Store", "add", "bootstrap", "every", "find", "remove", "set_language"]

MAX_NAME = 200  # characters
LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,3}", re.ASCII)  # RFC 5646; at most 35 characters


@dataclass(frozen=True)
class Store:
    id: int
    name: str
    language: str  # of its texts without a language
    created_at: datetime


async def add(database: Database, name: str, *, store_id: int | None = None, token: str | None = None) -> NewStore:
    """Adds a store with its first (write) token, a random or an imported one.

    Raises `InvalidField` (`name`, `id`, `token`) if one is taken or invalid.
    """
    async with database.transaction() as session:
        return await _add(session, name, store_id, token)


async def _add(session: AsyncSession, name: str, store_id: int | None, token: str | None) -> NewStore:
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise InvalidField("name", f"must be 1 to {MAX_NAME} printable characters")
    made: int | None = None
    while made is None:
        values = {"name": name} if store_id is None else {"name": name, "id": store_id}
        statement = insert(StoreRow).values(**values).on_conflict_do_nothing().returning(col(StoreRow.id))
        made = (await session.exec(statement)).scalar_one_or_none()
        # Without `store_id`, the loop tries the next id until one is free: some may have been given by hand.
        if made is None and store_id is not None:
            raise InvalidField("id", "is in use already")
    return NewStore(made, await tokens.add(session, made, tokens.Scope.WRITE, token))


async def every(database: Database) -> list[Store]:
    """All stores, by id."""
    async with database.statement() as session:
        rows = await session.exec(select(StoreRow).order_by(col(StoreRow.id)))
        return [_store(row) for row in rows]


async def find(database: Database, store_id: int) -> Store | None:
    async with database.statement() as session:
        row = await session.get(StoreRow, store_id)
        return None if row is None else _store(row)


async def set_language(database: Database, store_id: int, language: str) -> None:
    """Sets the language of the store's texts that have none. Raises `StoreNotFound`, `InvalidField` (`language`)."""
    if not LANGUAGE.fullmatch(language):
        raise InvalidField("language", "must be a language such as es, pt-BR or en")
    async with database.transaction() as session:
        row = await session.get(StoreRow, store_id)
        if row is None:
            raise StoreNotFound(f"no store {store_id}")
        row.language = language


async def remove(database: Database, store_id: int) -> bool:
    """Deletes the row of a store, unless it has images. Raises `StoreNotFound`."""
    try:
        async with database.transaction() as session:
            gone = await session.exec(delete(StoreRow).where(col(StoreRow.id) == store_id))
    except IntegrityError:
        return False
    if not gone.rowcount:
        raise StoreNotFound(f"no store {store_id}")
    return True


def _store(row: StoreRow) -> Store:
    return Store(row.id, row.name, row.language, row.created_at)


async def bootstrap(database: Database, name: str, token: str | None) -> NewStore | None:
    """Adds the first store to an empty database, else returns None. A `name` of digits is the store's id.

    Safe when several replicas start at once.
    """
    async with database.transaction() as session:
        # Held until this transaction ends: a second replica waits, then finds the store.
        await session.exec(select(func.pg_advisory_xact_lock(Lock.BOOTSTRAP.value)))
        if (await session.exec(select(StoreRow.id).limit(1))).first() is not None:
            return None
        store_id = int(name) if name.isdecimal() and name.isascii() else None
        label = f"store {name}" if store_id else name
        return await _add(session, label, store_id, token)
