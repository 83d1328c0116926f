"""Drops held work, which failed on every try, at an operator's request. Its job becomes `failed`."""

from collections.abc import Sequence
from uuid import UUID

from image_service.database.database import Database
from image_service.galleries.plan import Outcome
from image_service.jobs import store_jobs
from image_service.jobs.receipts import receipt
from image_service.queue import state

UUID_BYTES = 16
NOT_DONE = "not_done"


async def discard(database: Database, ids: Sequence[int]) -> list[int]:
    """Returns the ids that were held. Work without a job is just deleted."""
    gone = await state.discard(database, ids)
    for _, payload in gone:
        if len(payload) == UUID_BYTES:
            await store_jobs.fail(database, UUID(bytes=payload), [receipt(Outcome.FAILED, reason=NOT_DONE)])
    return [id for id, _ in gone]
