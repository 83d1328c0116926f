"""A look into a database, past the service."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine

Seen = TypeVar("Seen")


async def look(url: str, see: Callable[[Connection], Seen]) -> Seen:
    """What `see` makes of a connection; what it changes is kept."""
    engine = create_async_engine(url, poolclass=pool.NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(see)
    finally:
        await engine.dispose()
