"""How asyncpg connects to the database, and how a connection ends."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import asyncpg
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect

from image_service.database.faults import DRIVER_FAULTS
from image_service.database.limits import CLOSE_SECONDS

DIALECT = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]
_SQLALCHEMYS_OWN = ("prepared_statement_cache_size", "prepared_statement_name_func")


def options_of(url: str) -> dict[str, Any]:
    """asyncpg's options for a URL, as SQLAlchemy parses it: the same for both ways."""
    _, options = DIALECT.create_connect_args(make_url(url))  # type: ignore[no-untyped-call]
    return {name: value for name, value in options.items() if name not in _SQLALCHEMYS_OWN}


async def connect(dsn: str | None = None, **options: Any) -> "asyncpg.Connection[Any]":
    """Connect, with JSONB columns decoded to Python values."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(dsn, **options)
    try:
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def close(connection: Any) -> None:
    """Close a connection, gracefully if the server still answers. Raises nothing: the caller has what it needs."""
    with suppress(*DRIVER_FAULTS):
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.close()
