"""The webhooks of a store: URLs and the events that they receive. Each operation commits its own transaction."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, Interval, LargeBinary, Text, Uuid, bindparam, delete, func, insert, select, update
from sqlmodel import col

from image_service.database import batches
from image_service.database.database import Database
from image_service.database.direct import Row, Statement
from image_service.images import idempotency
from image_service.images.idempotency import Once
from image_service.jobs.webhooks.errors import TooManyWebhooks, WebhookNotFound
from image_service.queue.webhook_rows import DeliveryRow, WebhookRow
from image_service.stores.changes import changes
from image_service.stores.models import StoreRow

MOST = 10  # per store: each event is a row and a request for each subscribed webhook
SECRET_BYTES = 32  # Standard Webhooks asks for 24 to 64
OVERLAP = timedelta(days=1)  # how long a replaced secret still signs deliveries


@dataclass(frozen=True)
class Webhook:
    """A webhook without its secrets."""

    id: UUID
    store_id: int
    url: str
    events: tuple[str, ...]
    created_at: datetime
    previous_until: datetime | None  # until then the previous secret also signs
    failing_since: datetime | None  # no delivery has succeeded since
    switched_off_at: datetime | None
    switched_off_why: str | None


@dataclass(frozen=True)
class NewSecret:
    """A webhook with its new secret, which is shown only once."""

    webhook: Webhook
    secret: bytes


async def add(
    database: Database, store_id: int, url: str, events: Sequence[str], once: Once[NewSecret] | None = None
) -> NewSecret:
    """Raises `TooManyWebhooks`, `StoreNotFound`, `RepeatUnderWay`."""
    secret = secrets.token_bytes(SECRET_BYTES)
    async with changes(database) as transaction:
        await transaction.rows(_LOCK_STORE, of_store=store_id)
        [counted] = await transaction.rows(_COUNT, of_store=store_id)
        if counted.webhooks >= MOST:
            raise TooManyWebhooks
        [row] = await transaction.rows(
            _INSERT, new_id=uuid4(), of_store=store_id, to_url=url, asked=list(events), key=secret
        )
        made = NewSecret(webhook_of(row), secret)
        if once is not None:
            await idempotency.keep(transaction, once, made)
    return made


async def every(database: Database, store_id: int) -> list[Webhook]:
    """A store's webhooks, oldest first."""
    return [webhook_of(row) for row in await database.rows(_OF_STORE, of_store=store_id)]


async def find(database: Database, store_id: int, id: UUID) -> Webhook:
    """Raises `WebhookNotFound`, also for another store's webhook."""
    found = await database.rows(_ONE, this=id, of_store=store_id)
    if not found:
        raise WebhookNotFound
    return webhook_of(found[0])


async def remove(database: Database, store_id: int, id: UUID) -> None:
    """Remove it with its deliveries, in batches; repeat it if it breaks off. Raises `WebhookNotFound`."""
    await find(database, store_id, id)
    await batches.remove(database, DeliveryRow, col(DeliveryRow.webhook_id) == id)
    async with database.changes() as transaction:
        if not await transaction.rows(_DELETE, this=id, of_store=store_id):
            raise WebhookNotFound


async def rotate(database: Database, store_id: int, id: UUID, once: Once[NewSecret] | None = None) -> NewSecret:
    """Replace the secret. For a day both sign each delivery. Raises `WebhookNotFound`, `RepeatUnderWay`."""
    secret = secrets.token_bytes(SECRET_BYTES)
    async with database.changes() as transaction:
        found = await transaction.rows(_ROTATE, this=id, of_store=store_id, key=secret, overlap=OVERLAP)
        if not found:
            raise WebhookNotFound
        rotated = NewSecret(webhook_of(found[0]), secret)
        if once is not None:
            await idempotency.keep(transaction, once, rotated)
    return rotated


def webhook_of(row: Mapping[str, Any] | Row) -> Webhook:
    """From a row with at least the columns of `webhooks`."""
    values: dict[str, Any] = {name: row[name] for name in Webhook.__annotations__}
    return Webhook(**values | {"events": tuple(row["events"])})


_ID = bindparam("this", type_=Uuid)
_THIS = (col(WebhookRow.id) == _ID, col(WebhookRow.store_id) == bindparam("of_store"))
# Locks the store's row, so that of two concurrent adds the second counts the first. Uploads do not wait.
_LOCK_STORE = Statement(
    select(col(StoreRow.id)).where(col(StoreRow.id) == bindparam("of_store")).with_for_update(key_share=True)
)
_COUNT = Statement(
    select(func.count().label("webhooks"))
    .select_from(WebhookRow)
    .where(col(WebhookRow.store_id) == bindparam("of_store"))
)
_INSERT = Statement(
    insert(WebhookRow)
    .values(
        id=bindparam("new_id"),
        store_id=bindparam("of_store"),
        url=bindparam("to_url"),
        events=bindparam("asked", type_=ARRAY(Text)),
        secret=bindparam("key", type_=LargeBinary),
    )
    .returning(WebhookRow)
)
_OF_STORE = Statement(
    select(WebhookRow)
    .where(col(WebhookRow.store_id) == bindparam("of_store"))
    .order_by(col(WebhookRow.created_at), col(WebhookRow.id))
)
_ONE = Statement(select(WebhookRow).where(*_THIS))
_DELETE = Statement(delete(WebhookRow).where(*_THIS).returning(col(WebhookRow.id)))
_ROTATE = Statement(
    update(WebhookRow)
    .where(*_THIS)
    .values(
        secret=bindparam("key", type_=LargeBinary),
        previous_secret=col(WebhookRow.secret),
        previous_until=func.now() + bindparam("overlap", type_=Interval),
    )
    .returning(WebhookRow)
)
