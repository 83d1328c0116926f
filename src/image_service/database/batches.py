"""Deletes rows in batches. Each is a transaction: no statement outlasts its time limit, no lock is held for long."""

from sqlalchemy import delete, func, literal_column
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import SQLModel, select

from image_service.database.database import Database

BATCH = 5_000  # rows: well within the statement timeout


async def remove(
    database: Database,
    table: type[SQLModel],
    condition: ColumnElement[bool],
    *,
    dry_run: bool = False,
    batch: int = BATCH,
) -> int:
    """Delete the rows that meet `condition`, or only count them in a dry run; returns how many.

    What it has deleted stays deleted if it is interrupted. Raises `DatabaseUnavailable`.
    """
    if dry_run:
        return await count(database, table, condition)
    # By `ctid`, as PostgreSQL's manual advises. A row that is changed meanwhile has another: a later batch takes it.
    place: ColumnElement[object] = literal_column("ctid")
    some = select(place).select_from(table).where(condition).limit(batch).with_for_update().scalar_subquery()
    statement = delete(table).where(place == func.any(func.array(some)))
    removed = 0
    while True:
        async with database.statement() as session:
            gone = (await session.exec(statement, execution_options={"synchronize_session": False})).rowcount
        removed += gone
        if not gone:
            return removed


async def count(database: Database, table: type[SQLModel], condition: ColumnElement[bool]) -> int:
    """Raises `DatabaseUnavailable`."""
    async with database.statement() as session:
        return (await session.exec(select(func.count()).select_from(table).where(condition))).one()
