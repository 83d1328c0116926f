"""Brings a database to this version's schema. If it is current, runs one query and not alembic."""

from asyncpg import TooManyConnectionsError
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from image_service.database.database import Database
from image_service.database.migration_scripts import NEWEST
from image_service.errors import DatabaseUnavailable


async def bring(database: Database, url: str) -> None:
    """Migrate the `database` at `url` if it needs that. Raises what `migrations.upgrade` does."""
    try:
        is_newest = await _is_newest(database)
    except DatabaseUnavailable as error:
        raise DatabaseUnavailable(f"the database cannot be reached: {error}; {advice(error)}") from error
    if not is_newest:
        from image_service.database import migrations  # noqa: PLC0415 - alembic takes long to import, and is needed once a version

        await migrations.upgrade(url)


def advice(error: DatabaseUnavailable) -> str:
    """What an operator can do if the database cannot be reached."""
    if isinstance(error.__cause__, TooManyConnectionsError):
        return (
            "raise max_connections, or the limit of the role or database, or lower IMAGE_SERVICE_DATABASE_CONNECTIONS"
        )
    return "is PostgreSQL up, and are name, password and host in IMAGE_SERVICE_DATABASE_URL right?"


async def _is_newest(database: Database) -> bool:
    """Whether the last migration's number is there: it is written when the migration is complete."""
    try:
        async with database.statement() as session:
            found = (await session.execute(text("SELECT version_num FROM alembic_version"))).scalars().all()
    except ProgrammingError:  # no such table, or none that we may read: alembic says what is wrong
        return False
    return found == [NEWEST]
