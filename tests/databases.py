"""A look into a database, past the service."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine

from tests.processes import DEADLINE

Seen = TypeVar("Seen")


async def look(url: str, see: Callable[[Connection], Seen]) -> Seen:
    """What `see` makes of a connection; what it changes is kept."""
    engine = create_async_engine(url, poolclass=pool.NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(see)
    finally:
        await engine.dispose()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        yield connection
    finally:
        await connection.close()


async def write_row(url: str) -> None:
    async with connected(url) as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS kept (n integer)")
        await connection.execute("INSERT INTO kept VALUES (7)")


async def rows(url: str) -> list[int]:
    async with connected(url) as connection:
        return [row["n"] for row in await connection.fetch("SELECT n FROM kept")]


async def rows_again(url: str) -> list[int]:
    """Poll until the server answers: there is no event to await in another program's recovery."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            return await rows(url)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
