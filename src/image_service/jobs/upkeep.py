"""What is removed of jobs and webhooks when its time is over."""

from datetime import timedelta

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.types import Interval
from sqlmodel import col

from image_service.database.database import Database
from image_service.database.direct import Statement
from image_service.jobs import store_jobs
from image_service.jobs.webhooks import deliveries
from image_service.queue.models import QueueLogRow

LOG_KEPT = timedelta(days=7)  # of the queue: enough to look into what has gone wrong
BATCH = 5_000  # rows in one delete: well within the time that a statement has


async def forget(database: Database, dry_run: bool) -> dict[str, int]:
    """The log of the queue, and the jobs and deliveries that are past their time; returns how many those were."""
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
