"""Brings a database to this version's schema. If it is current, runs one query and not alembic."""

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from image_service.database.database import Database
from image_service.database.migration_scripts import NEWEST


async def bring(database: Database, url: str) -> None:
    """Migrate the `database` at `url` if it needs that. Raises what `migrations.upgrade` does."""
    if not await _is_newest(database):
        from image_service.database import migrations  # noqa: PLC0415 - alembic takes long to import, and is needed once a version

        await migrations.upgrade(url)


async def _is_newest(database: Database) -> bool:
    """Whether the last migration's number is there: it is written when the migration is complete."""
    try:
        async with database.reading() as session:
            found = (await session.execute(text("SELECT version_num FROM alembic_version"))).scalars().all()
    except ProgrammingError:  # no such table, or none that we may read: alembic says what is wrong
        return False
    return found == [NEWEST]
