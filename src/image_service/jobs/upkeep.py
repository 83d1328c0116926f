"""Removes expired rows of jobs, deliveries and the queue's log."""

from datetime import timedelta

from sqlalchemy import func, literal
from sqlmodel import col

from image_service.database import batches
from image_service.database.database import Database
from image_service.jobs import store_jobs
from image_service.jobs.webhooks import deliveries
from image_service.queue.models import QueueLogRow

LOG_KEPT = timedelta(days=7)  # the queue's log: enough time to investigate a failure


async def forget(database: Database, dry_run: bool) -> dict[str, int]:
    """Remove expired log rows of the queue, jobs and deliveries. Returns how many jobs and deliveries.

    Raises `DatabaseUnavailable`.
    """
    await batches.remove(
        database, QueueLogRow, col(QueueLogRow.created) < func.now() - literal(LOG_KEPT), dry_run=dry_run
    )
    return {
        "jobs": await store_jobs.forget(database, dry_run=dry_run),
        "deliveries": await deliveries.forget(database, dry_run=dry_run),
    }
