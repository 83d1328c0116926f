"""Removes a store with all that it has, in batches: a store may have hundreds of millions of images.

Tokens and tickets are deleted first: from then on nobody can write. The store's row is deleted last, so that an
interrupted removal can be repeated.
"""

from collections.abc import Awaitable, Callable

from sqlmodel import col, select

from image_service.database import batches
from image_service.database.database import Database
from image_service.database.direct import Transaction
from image_service.errors import Busy
from image_service.images import galleries
from image_service.images.blobs import Blobs
from image_service.images.models import IdempotencyRow, UploadTicketRow
from image_service.jobs.models import StoreJobRow
from image_service.queue.models import QueueRow
from image_service.queue.webhook_rows import DeliveryRow, WebhookRow
from image_service.stores import registry
from image_service.stores.models import TokenRow

TRIES = 5  # if images are added meanwhile, by requests and jobs that had begun


async def remove(database: Database, blobs: Blobs, store_id: int, *, batch: int = batches.BATCH) -> int:
    """Delete a store with its tokens, images and all else; returns the number of images.

    Raises `StoreNotFound`, `Busy` (it is still being written to), `DatabaseUnavailable`.
    """
    its_webhooks = select(WebhookRow.id).where(WebhookRow.store_id == store_id)
    for table, condition in (
        (UploadTicketRow, col(UploadTicketRow.store_id) == store_id),
        (TokenRow, col(TokenRow.store_id) == store_id),
        (DeliveryRow, col(DeliveryRow.webhook_id).in_(its_webhooks)),
        (WebhookRow, col(WebhookRow.store_id) == store_id),
        (QueueRow, col(QueueRow.store_id) == store_id),
        (StoreJobRow, col(StoreJobRow.store_id) == store_id),
        (IdempotencyRow, col(IdempotencyRow.store_id) == store_id),
    ):
        await batches.remove(database, table, condition, batch=batch)
    removed = 0
    for _ in range(TRIES):
        removed += await _all(database, galleries.delete_some, store_id, batch)
        await _all(database, galleries.forget_some, store_id, batch)
        if await registry.remove(database, store_id):
            await blobs.discard_store(store_id)
            return removed
    raise Busy("the store is being written to")


async def _all(
    database: Database, delete_some: Callable[[Transaction, int, int], Awaitable[int]], store_id: int, batch: int
) -> int:
    removed = 0
    while True:
        async with database.changes() as transaction:
            gone = await delete_some(transaction, store_id, batch)
        if not gone:
            return removed
        removed += gone
