"""Prepares a database before the service runs on it."""

import asyncio

from image_service.database import schema
from image_service.database.database import Database
from image_service.settings import Settings
from image_service.stores import registry
from image_service.stores.new_store import NewStore
from image_service.telemetry import logs


def prepare(settings: Settings, *, own_database: bool) -> NewStore | None:
    """Create the schema, and the first store of an empty database: the one in the settings, or with the service's own
    database one with a random token.
    """
    logs.configure(settings.log_level)
    return asyncio.run(_prepare(settings, own_database=own_database))


async def _prepare(settings: Settings, *, own_database: bool) -> NewStore | None:
    database = Database(settings.database_url or "", connections=2)
    try:
        await schema.bring(database, settings.database_url or "")
        if settings.bootstrap_store is None and not own_database:
            return None
        name = settings.bootstrap_store or "first store"
        return await registry.bootstrap(database, name, settings.bootstrap_token)
    finally:
        await database.close()
