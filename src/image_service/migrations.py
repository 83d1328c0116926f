"""Brings a database to the schema of this version of the code."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, pool
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine

from image_service.database import CONNECT_SECONDS, database_faults
from image_service.errors import ImageServiceError

_HERE = Path(__file__).parent
# In a wheel the scripts lie beside this file, in a checkout at its top.
SCRIPTS = next(folder for folder in (_HERE / "alembic", _HERE.parents[1] / "alembic") if (folder / "env.py").is_file())


class MigrationFailed(ImageServiceError):
    """The database cannot be brought to this version's schema; nothing of it was changed."""


def config(connection: Connection) -> Config:
    """Alembic's own settings for a connection that is open already."""
    made = Config()
    made.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


async def state(database_url: str) -> tuple[str | None, str]:
    """The revision of a database, None if it is empty; and that of this version of the code.

    Raises `DatabaseUnavailable`, and `MigrationFailed` if the database has a revision that this code does not know.
    """
    engine = create_async_engine(database_url, poolclass=pool.NullPool, connect_args={"timeout": CONNECT_SECONDS})
    try:
        with database_faults():
            async with engine.connect() as connection:
                current = await connection.run_sync(
                    lambda sync: MigrationContext.configure(sync).get_current_revision()
                )
                scripts = await connection.run_sync(lambda sync: ScriptDirectory.from_config(config(sync)))
    finally:
        await engine.dispose()
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        raise MigrationFailed(f"the database belongs to another version of the service: it is at {current}")
    return current, scripts.get_current_head() or ""


async def upgrade(database_url: str, revision: str = "head") -> None:
    """Safe when several replicas start at once. All migrations happen, or none.

    Raises `DatabaseUnavailable`, `MigrationFailed`.
    """
    engine = create_async_engine(database_url, poolclass=pool.NullPool, connect_args={"timeout": CONNECT_SECONDS})
    try:
        with database_faults():
            async with engine.connect() as connection:
                await connection.run_sync(lambda sync: command.upgrade(config(sync), revision))
                await connection.commit()
    except CommandError as error:  # it has a revision that this code has never heard of
        raise MigrationFailed(f"the database belongs to another version of the service: {error}") from error
    except ProgrammingError as error:  # such as no right to make tables
        raise MigrationFailed(f"the database cannot be migrated: {error.orig}") from error
    finally:
        await engine.dispose()
