"""The schema, from nothing to this version's and back, each time in a database of its own."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.command import downgrade
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Inspector, inspect, pool, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from image_service.cli.doctor import kept
from image_service.cli.doctor.findings import Level
from image_service.database import migrations
from image_service.database.database import Database
from image_service.database.migrations import MigrationFailed, upgrade
from image_service.errors import DatabaseUnavailable
from image_service.postgres.embedded import EmbeddedPostgres
from image_service.settings import Settings
from tests.databases import connected, look
from tests.processes import DEADLINE, command

CHECKOUT = Path(__file__).parents[1]


def tables(connection: Connection) -> set[str]:
    inspector: Inspector = inspect(connection)
    return set(inspector.get_table_names())


async def down(url: str) -> None:
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(lambda sync: downgrade(migrations.config(sync), "base"))
    await engine.dispose()


async def test_up_down_and_up_again(empty_database: str) -> None:
    await upgrade(empty_database)
    made = await look(empty_database, tables)
    assert made == set(SQLModel.metadata.tables) | {"alembic_version"}
    await down(empty_database)
    assert await look(empty_database, tables) == {"alembic_version"}
    await upgrade(empty_database)
    assert await look(empty_database, tables) == made


async def test_the_models_ask_for_nothing_more(empty_database: str) -> None:
    await upgrade(empty_database)

    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, SQLModel.metadata))

    assert await look(empty_database, differences) == []


async def test_two_replicas_at_once(empty_database: str, tmp_path: Path) -> None:
    replicas = [
        asyncio.to_thread(command, tmp_path / each, "migrate", DATABASE_URL=empty_database) for each in ("one", "two")
    ]
    assert [done.status for done in await asyncio.gather(*replicas)] == [0, 0]
    assert "images" in await look(empty_database, tables)


async def test_a_database_of_a_later_version_is_left_alone(empty_database: str) -> None:
    await upgrade(empty_database)
    await look(
        empty_database, lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    )
    with pytest.raises(MigrationFailed, match=r"another version .*9999"):
        await upgrade(empty_database)


async def test_a_busy_table_holds_up_the_migration_and_nobody_else(empty_database: str) -> None:
    """What waits for a lock on a table has everybody else wait behind it: it must give up, and try again."""
    await upgrade(empty_database, "0001")
    url = empty_database.replace("+asyncpg", "")
    busy, other = await asyncpg.connect(url), await asyncpg.connect(url, command_timeout=DEADLINE)
    waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'stores'::regclass AND NOT granted"
    try:
        transaction = busy.transaction()
        await transaction.start()
        await busy.execute("INSERT INTO stores (name) VALUES ('under way')")
        migrating = asyncio.create_task(upgrade(empty_database))
        async with asyncio.timeout(DEADLINE):
            while not await other.fetchval(waiting):
                assert not migrating.done()
            await other.execute("INSERT INTO stores (name) VALUES ('another')")  # after it, since it has given up
            assert not migrating.done()
            await transaction.commit()
            await migrating
        assert await other.fetchval("SELECT count(*) FROM stores") == 2
    finally:
        await busy.close()
        await other.close()


async def test_no_right_to_make_tables(postgres: EmbeddedPostgres, empty_database: str) -> None:
    role = f"guest_{uuid4().hex}"
    await look(empty_database, lambda connection: connection.execute(text(f"CREATE ROLE {role} LOGIN")))
    with pytest.raises(MigrationFailed, match="permission denied for schema public"):
        await upgrade(empty_database.replace("postgres@", f"{role}@"))
    await look(empty_database, lambda connection: connection.execute(text(f"DROP ROLE {role}")))


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
async def test_a_new_database_of_another_encoding(postgres: EmbeddedPostgres, encoding: str) -> None:
    name = f"encoded_{uuid4().hex}"
    url = postgres.url.replace("/postgres?", f"/{name}?")
    async with connected(postgres.url) as connection:
        await connection.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
        with pytest.raises(MigrationFailed, match=f"encoding is {encoding}, and UTF8 is needed"):
            await upgrade(url)
        assert await look(url, tables) == set()
        database = Database(url, connections=2)
        [finding, *_] = [each async for each in kept.database(database, Settings())]
        assert (finding.check, finding.level) == ("database", Level.FAIL)
        assert encoding in finding.found
        await database.close()
        await connection.execute(f"DROP DATABASE {name}")


async def test_no_database_there(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        await upgrade(f"postgresql+asyncpg://postgres@/postgres?host={tmp_path}")


async def test_alembic_itself_from_the_checkout(empty_database: str) -> None:
    def alembic(*arguments: str) -> str:
        program = Path(sys.executable).parent / "alembic"
        env = {**os.environ, "IMAGE_SERVICE_DATABASE_URL": empty_database}
        done = subprocess.run([program, *arguments], cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    await asyncio.to_thread(alembic, "upgrade", "head")
    assert "images" in await look(empty_database, tables)
    assert "No new upgrade operations" in await asyncio.to_thread(alembic, "check")
