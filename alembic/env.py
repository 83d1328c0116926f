"""Runs the migrations: over the connection that the service hands over, or over IMAGE_SERVICE_DATABASE_URL."""

import asyncio

from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from image_service.images import models as image_tables
from image_service.settings import Settings
from image_service.stores import models as store_tables

TABLES = SQLModel.metadata  # of all that these two declare
__all__ = ["TABLES", "image_tables", "store_tables"]

# Any number of replicas may start at once: one migrates, the others wait and find nothing to do.
LOCK = 0x696D6702


def migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=TABLES, transaction_per_migration=False)
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        context.run_migrations()


async def connect_and_migrate() -> None:
    url = Settings().database_url
    if url is None:
        raise SystemExit("set IMAGE_SERVICE_DATABASE_URL, or run `image-service migrate`")
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
        await connection.commit()
    await engine.dispose()


if context.is_offline_mode():
    raise SystemExit("migrations need a database: they take a lock in it")
given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    asyncio.run(connect_and_migrate())
