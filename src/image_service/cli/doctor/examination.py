"""The checks of `image-service doctor`, in order."""

import asyncio

from image_service.cli.console import read_settings
from image_service.cli.doctor import kept, machine
from image_service.cli.doctor.findings import Finding, Level, fail, ok
from image_service.database.database import Database
from image_service.postgres.embedded import EmbeddedPostgresError
from image_service.processes.serve import database_running, embedded_folder
from image_service.settings import Settings
from image_service.storage.places import staging_in, storage_at


def examine() -> list[Finding]:
    try:
        settings = read_settings()
        if settings.data_dir.exists():  # else this would create it
            storage_at(settings.storage_url, settings.data_dir)
    except ValueError as error:
        return [fail("settings", str(error), "the README lists all; nothing else is looked at before they can be read")]
    found = asyncio.run(_machine(settings))
    if settings.database_url is None and not (embedded_folder(settings) / "pgdata").exists():
        return [*found, ok("database", f"none in {settings.data_dir} yet; the first start of `serve` makes it")]
    try:
        with database_running(settings) as running:
            found += kept.embedded(embedded_folder(settings)) if settings.database_url is None else []
            return found + asyncio.run(_kept(running))
    except (EmbeddedPostgresError, OSError) as error:
        mend = f"{embedded_folder(settings) / 'postgres.log'} says more"
        return [*found, fail("database", f"its PostgreSQL does not start: {error}", mend)]


async def _machine(settings: Settings) -> list[Finding]:
    found = [*machine.settings(settings), *kept.disks(settings)]
    for checks in (machine.pixels(settings), machine.service(settings)):
        found += [each async for each in checks]
    return found


async def _kept(settings: Settings) -> list[Finding]:
    url = settings.database_url or ""
    database = Database(url, connections=2)
    try:
        found = [each async for each in kept.database(database, settings)]
        schema = [each async for each in kept.schema(url)] if found[0].level is not Level.FAIL else []
        has_schema = any(each.level is Level.OK for each in schema)
        found += schema
        if has_schema:
            found += [each async for each in kept.queue(database)]
            found += [each async for each in kept.webhooks(database)]
        if not settings.data_dir.exists():
            return [*found, ok("storage", f"{settings.data_dir} is not there yet; the first start of `serve` makes it")]
        blobs = kept.blobs(
            storage_at(settings.storage_url, settings.data_dir),
            staging_in(settings.data_dir),
            database,
            has_schema=has_schema,
        )
        found += [each async for each in blobs]
    finally:
        await database.close()
    return found
