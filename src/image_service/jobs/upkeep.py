"""Removes expired rows of jobs, deliveries and the queue's log."""

from datetime import timedelta

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.types import Interval
from sqlmodel import col

from image_service.database.database import Database
from image_service.database.direct import Statement
from image_service.jobs import store_jobs
from image_service.jobs.webhooks import deliveries
from image_service.queue.models import QueueLogRow

LOG_KEPT = timedelta(days=7)  # the queue's log: enough time to investigate a failure
BATCH = 5_000  # rows in one delete: well within the statement timeout


async def forget(database: Database, dry_run: bool) -> dict[str, int]:
    """Remove expired log rows of the queue, jobs and deliveries. Returns how many of each."""
    gone = BATCH
    while gone == BATCH and not dry_run:
        async with database.changes() as transaction:
            gone = len(await transaction.rows(_PRUNE, kept=LOG_KEPT))
    return {
        "jobs": await store_jobs.forget(database, dry_run=dry_run),
        "deliveries": await deliveries.forget(database, dry_run=dry_run),
    }


_PRUNE = Statement(
    delete(QueueLogRow)
    .where(
        col(QueueLogRow.id).in_(
            select(col(QueueLogRow.id))
            .where(col(QueueLogRow.created) < func.now() - bindparam("kept", type_=Interval))
            .limit(BATCH)
        )
    )
    .returning(col(QueueLogRow.id))
)
