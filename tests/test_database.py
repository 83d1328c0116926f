"""What is an unavailable database (tell the client to try again), and what is a bug of ours."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlmodel.ext.asyncio.session import AsyncSession

from image_service.database.database import Database
from image_service.errors import DatabaseUnavailable
from image_service.postgres.embedded import EmbeddedPostgres

HANG_UP = "SELECT pg_terminate_backend(pg_backend_pid())"


async def run(session: AsyncSession, statement: str) -> Any:
    """The first value of the answer, if there is one."""
    result = await (await session.connection()).execute(text(statement))
    return result.scalar() if result.returns_rows else None


@pytest.fixture
async def database(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    """With one connection for sessions, and one for statements."""
    database = Database(postgres.url, connections=2)
    yield database
    await database.close()


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("SELECT * FROM nothing_of_this_name", ProgrammingError),
        ("SELECT 1 / 0", DBAPIError),
        ("INSERT INTO once VALUES (1), (1)", IntegrityError),
    ],
)
async def test_a_wrong_statement_is_a_bug(database: Database, statement: str, kind: type[Exception]) -> None:
    async def wrong() -> None:
        async with database.transaction() as session:
            await run(session, "CREATE TEMPORARY TABLE once (n integer PRIMARY KEY) ON COMMIT DROP")
            await run(session, statement)

    with pytest.raises(kind):
        await wrong()
    await database.check()


async def test_an_error_of_the_caller_passes_unchanged(database: Database) -> None:
    with pytest.raises(LookupError):
        async with database.transaction():
            raise LookupError
    await database.check()


async def test_no_server(tmp_path: Path) -> None:
    database = Database(f"postgresql+asyncpg://postgres@/postgres?host={tmp_path}", connections=2)
    with pytest.raises(DatabaseUnavailable):
        await database.check()
    with pytest.raises(DatabaseUnavailable):
        async with database.statement() as session:
            await run(session, "SELECT 1")
    await database.close()


async def test_a_connection_lost_within_a_statement(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        async with database.transaction() as session:
            await run(session, HANG_UP)
    await database.check()


async def test_a_connection_lost_before_the_commit(database: Database, postgres: EmbeddedPostgres) -> None:
    other = await asyncpg.connect(postgres.url.replace("+asyncpg", ""))

    async def lose() -> None:
        async with database.transaction() as session:
            backend = await run(session, "SELECT pg_backend_pid()")
            await other.execute("SELECT pg_terminate_backend($1, 5000)", backend)

    with pytest.raises(DatabaseUnavailable):
        await lose()
    await other.close()
    await database.check()


async def test_a_connection_lost_while_nobody_used_it(database: Database, postgres: EmbeddedPostgres) -> None:
    async with database.statement() as session:
        backend = await run(session, "SELECT pg_backend_pid()")
    other = await asyncpg.connect(postgres.url.replace("+asyncpg", ""))
    await other.execute("SELECT pg_terminate_backend($1, 5000)", backend)
    await other.close()
    async with database.statement() as session:
        assert await run(session, "SELECT 1") == 1


async def test_a_commit_whose_answer_is_lost(database: Database, postgres: EmbeddedPostgres) -> None:
    """The server is killed by what it does at COMMIT: the client never hears whether it committed."""
    other = await asyncpg.connect(postgres.url.replace("+asyncpg", ""))
    await other.execute(
        """
        CREATE TABLE lost (n integer);
        CREATE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER lost AFTER INSERT ON lost DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION hang_up();
        """
    )
    try:
        with pytest.raises(DatabaseUnavailable):
            async with database.transaction() as session:
                await run(session, "INSERT INTO lost VALUES (1)")
    finally:
        await other.execute("DROP TABLE lost; DROP FUNCTION hang_up()")
        await other.close()
    await database.check()


async def test_all_connections_in_use(database: Database) -> None:
    async with database.changes():
        with pytest.raises(DatabaseUnavailable):
            await database.check()
    await database.check()


async def test_a_caller_that_gives_up_leaves_the_connection_usable(database: Database) -> None:
    async def sleep() -> None:
        async with database.transaction() as session:
            await run(session, "SELECT pg_sleep(60)")

    task = asyncio.create_task(sleep())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await database.check()
