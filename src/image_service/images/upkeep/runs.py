"""Results of the last sweep and verify, in the database for all instances."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import func, literal, null
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from image_service.database.database import Database
from image_service.images.models import JobRow
from image_service.telemetry.collectors import JobResult

SWEEP, AUDIT, VERIFY, VERIFY_SAMPLE = "sweep", "audit", "verify", "verify_sample"
Progress = TypeVar("Progress")  # a dataclass of JSON values

NEVER = JobResult(last_run=0, last_success=0, failed=False, seconds=0)


@asynccontextmanager
async def recorded(database: Database, job: str) -> AsyncIterator[dict[str, int]]:
    """Records a run. The block fills in the counts. If it raises, the run failed, and the last success's counts stay.

    Raises `DatabaseUnavailable` at its end if the result cannot be kept.
    """
    counts: dict[str, int] = {}
    since = time.monotonic()
    try:
        yield counts
    except Exception:
        await failed(database, job)
        raise
    await succeeded(database, job, time.monotonic() - since, counts)


async def succeeded(database: Database, job: str, seconds: float, counts: dict[str, int]) -> None:
    """Record a success, and clear the cursor. Raises `DatabaseUnavailable`."""
    done = {"failed": False, "last_success": func.now(), "seconds": seconds, "counts": counts, "cursor": null()}
    await _keep(database, job, done)


async def failed(database: Database, job: str) -> None:
    """Record a failure, and keep the cursor. Raises `DatabaseUnavailable`."""
    await _keep(database, job, {"failed": True})


async def keep_cursor(database: Database, job: str, cursor: dict[str, Any]) -> None:
    """Store where an unfinished job resumes. Raises `DatabaseUnavailable`."""
    never = {"last_run": func.to_timestamp(0), "failed": False}
    row = insert(JobRow).values(job=job, cursor=cursor, **never)
    async with database.transaction() as session:
        await session.exec(row.on_conflict_do_update(index_elements=["job"], set_={"cursor": cursor}))


async def cursor_of(database: Database, job: str, kind: type[Progress]) -> Progress | None:
    """The stored progress; None if the job is not under way, or another version of the service stored it.

    Raises `DatabaseUnavailable`.
    """
    async with database.statement() as session:
        found = (await session.exec(select(JobRow.cursor).where(JobRow.job == job))).first()
    try:
        return None if found is None else kind(**found)
    except TypeError:
        return None


async def _keep(database: Database, job: str, values: dict[str, Any]) -> None:
    values["last_run"] = func.now()
    row = insert(JobRow).values(job=job, **values).on_conflict_do_update(index_elements=["job"], set_=values)
    async with database.transaction() as session:
        await session.exec(row)


async def is_due(database: Database, job: str, interval: timedelta) -> bool:
    """Whether its last run ended longer ago than `interval`, by the database's clock, or in the future, if the clock
    was put back. Raises `DatabaseUnavailable`.
    """
    recent = col(JobRow.last_run).between(func.now() - literal(interval), func.now())
    async with database.statement() as session:
        return (await session.exec(select(JobRow.job).where(JobRow.job == job, recent))).first() is None


async def has_succeeded(database: Database, job: str, within: timedelta) -> bool:
    """Whether its last success ended no longer ago, by the database's clock. Raises `DatabaseUnavailable`."""
    recent = col(JobRow.last_success).between(func.now() - literal(within), func.now())
    async with database.statement() as session:
        return (await session.exec(select(JobRow.job).where(JobRow.job == job, recent))).first() is not None


async def results(database: Database) -> dict[str, JobResult]:
    """Of all jobs, also those that have never run. Raises `DatabaseUnavailable`."""
    async with database.statement() as session:
        rows = (await session.exec(select(JobRow))).all()
    return dict.fromkeys((SWEEP, AUDIT, VERIFY, VERIFY_SAMPLE), NEVER) | {
        row.job: JobResult(
            last_run=row.last_run.timestamp(),
            last_success=row.last_success.timestamp() if row.last_success else 0,
            failed=row.failed,
            seconds=row.seconds,
            counts=row.counts,
        )
        for row in rows
    }
