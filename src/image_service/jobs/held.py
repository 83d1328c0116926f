"""Drops held work, which failed on every try, at an operator's request. Its job becomes `failed`."""

from collections.abc import Sequence
from uuid import UUID

from image_service.database.database import Database
from image_service.galleries.plan import Outcome
from image_service.jobs import store_jobs
from image_service.jobs.receipts import receipt
from image_service.queue import outbox, state

NOT_DONE = "not_done"


async def discard(database: Database, ids: Sequence[int]) -> list[int]:
    """Returns the ids that were held. A webhook's work has no job: it is just deleted.

    Raises `DatabaseUnavailable`.
    """
    gone = await state.discard(database, ids)
    for _, kind, payload in gone:
        if kind != outbox.KIND:
            await store_jobs.fail(database, UUID(bytes=payload), [receipt(Outcome.FAILED, reason=NOT_DONE)])
    return [id for id, _, _ in gone]
