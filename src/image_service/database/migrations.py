"""Brings a database to the schema of this version of the code."""

import asyncio

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, pool, text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from image_service.database.faults import database_faults
from image_service.database.limits import CONNECT_SECONDS
from image_service.database.migration_scripts import FOLDER
from image_service.errors import ImageServiceError

TABLE_IN_USE = ("55P03", "40P01")  # PostgreSQL's manual, appendix A: `lock_timeout` has passed; a deadlock
TRIES, PAUSE = (
    20,
    1.0,
)  # seconds; with the time-out of alembic/env.py a minute: a long transaction ends, or is a mistake


CREATE_UTF8 = "`createdb --encoding=UTF8 --template=template0`"


class MigrationFailed(ImageServiceError):
    """The database cannot be brought to this version's schema; each migration was done whole or not at all."""


def config(connection: Connection) -> Config:
    """Alembic's own settings for a connection that is open already."""
    made = Config()
    made.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
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
    """Safe if several replicas start at once while others serve. Each migration is done whole or not at all.

    Raises `DatabaseUnavailable`, `MigrationFailed`.
    """
    for _ in range(TRIES):
        if await _upgraded(database_url, revision):
            return
        await asyncio.sleep(PAUSE)  # lets sessions run that have waited behind us
    raise MigrationFailed("the database cannot be migrated: a long transaction keeps a table locked")


async def _upgraded(database_url: str, revision: str) -> bool:
    """False: other sessions held locks on tables for too long, or waited for ours."""
    engine = create_async_engine(database_url, poolclass=pool.NullPool, connect_args={"timeout": CONNECT_SECONDS})
    try:
        with database_faults():
            try:
                async with engine.connect() as connection:
                    await _require_utf8(connection)
                    await connection.run_sync(lambda sync: command.upgrade(config(sync), revision))
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in TABLE_IN_USE:
                    raise
                return False
    except CommandError as error:  # a revision that this code does not know
        raise MigrationFailed(f"the database belongs to another version of the service: {error}") from error
    except ProgrammingError as error:  # such as no right to make tables
        raise MigrationFailed(f"the database cannot be migrated: {error.orig}") from error
    finally:
        await engine.dispose()
    return True


async def _require_utf8(connection: AsyncConnection) -> None:
    """Raises `MigrationFailed` for an empty database of another encoding. One that is in use may hold ASCII alone."""
    encoding = await connection.scalar(text("SHOW server_encoding"))
    current = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    await connection.rollback()  # alembic begins its own transactions
    if current is None and encoding != "UTF8":
        raise MigrationFailed(f"the database's encoding is {encoding}, and UTF8 is needed: {CREATE_UTF8}")
