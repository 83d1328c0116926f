"""Transactions for stores that may be removed meanwhile."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from asyncpg import ForeignKeyViolationError
from sqlalchemy.exc import IntegrityError

from image_service.database.database import Database
from image_service.database.direct import Transaction
from image_service.errors import StoreNotFound


@asynccontextmanager
async def changes(database: Database) -> AsyncIterator[Transaction]:
    """`Database.changes` for rows that name a store. Raises `StoreNotFound` if it was removed."""
    with store_required():
        async with database.changes() as transaction:
            yield transaction


@contextmanager
def store_required() -> Iterator[None]:
    """Raises `StoreNotFound` if a row violates its foreign key: the store, or what belongs to it, was removed."""
    try:
        yield
    except ForeignKeyViolationError as error:
        raise StoreNotFound from error
    except IntegrityError as error:  # a session's
        if getattr(error.orig, "sqlstate", None) != ForeignKeyViolationError.sqlstate:
            raise
        raise StoreNotFound from error
