"""Shared by commands that need a database."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from image_service.cli.console import settings_with_database
from image_service.database import schema
from image_service.database.database import Database
from image_service.settings import Settings

Result = TypeVar("Result")


def with_database(work: Callable[[Settings, Database], Awaitable[Result]]) -> Result:
    """Run `work` with a database of the current schema."""

    async def run(settings: Settings) -> Result:
        url = settings.database_url or ""
        database = Database(url, connections=2)
        try:
            await schema.bring(database, url)
            return await work(settings, database)
        finally:
            await database.close()

    with settings_with_database() as settings:
        return asyncio.run(run(settings))
