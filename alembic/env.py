"""Runs the migrations: over the connection that the service hands over, or over IMAGE_SERVICE_DATABASE_URL."""

import asyncio
import time

from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from image_service.database.locks import Lock
from image_service.images import models as image_tables
from image_service.jobs import models as job_tables
from image_service.queue import models as queue_tables
from image_service.queue import webhook_rows as webhook_tables
from image_service.settings import Settings
from image_service.stores import models as store_tables

TABLES = SQLModel.metadata  # of all that these declare
__all__ = ["TABLES", "image_tables", "job_tables", "queue_tables", "store_tables", "webhook_tables"]

# Any number of replicas may start at once: one migrates, the others wait and find nothing to do.
LOOK_SECONDS = 0.1
# What cannot have a table's lock by then gives up (`migrations.upgrade` tries again): for as long as it waits,
# everybody who wants the table waits behind it, also those that only read.
LOCK_TIMEOUT = "2s"


def migrate(connection: Connection) -> None:
    """Each migration in a transaction of its own, which it may leave to build an index concurrently."""
    # Polled in short transactions: building an index concurrently waits for every open transaction, so a wait for the
    # lock inside one would never end. The lock belongs to the session and goes with the connection.
    connection.execute(text("SET application_name = 'image-service migrate'"))
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": Lock.MIGRATE.value}):
        connection.commit()
        time.sleep(LOOK_SECONDS)
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.commit()
    context.configure(connection=connection, target_metadata=TABLES, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_migrate() -> None:
    url = Settings().database_url
    if url is None:
        raise SystemExit("set IMAGE_SERVICE_DATABASE_URL, or run `image-service migrate`")
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


if context.is_offline_mode():
    raise SystemExit("migrations need a database: they take a lock in it")
given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    asyncio.run(connect_and_migrate())
