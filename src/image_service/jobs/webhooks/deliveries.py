"""The deliveries of a webhook: list, send again, add a test, and remove after a week."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from asyncpg import ForeignKeyViolationError
from sqlalchemy import ARRAY, SmallInteger, Text, Uuid, bindparam, func, literal, select
from sqlmodel import col

from image_service.database import batches
from image_service.database.database import Database
from image_service.database.direct import Statement, statement_of
from image_service.images import idempotency
from image_service.images.idempotency import Once
from image_service.jobs.webhooks.attempts import COLUMNS, Delivery, Outcome, State, delivery_of
from image_service.jobs.webhooks.endpoints import Webhook
from image_service.jobs.webhooks.errors import DeliveryNotFound, DeliveryUnderWay, WebhookNotFound, WebhookOff
from image_service.jobs.webhooks.messages import TEST
from image_service.queue.webhook_rows import DeliveryRow

KEPT = timedelta(days=7)


async def add_test(
    database: Database, webhook: Webhook, id: UUID, outcome: Outcome, once: Once[Delivery] | None = None
) -> Delivery:
    """Record a test, which is sent once. A successful one switches the webhook on again.

    Raises `WebhookNotFound` if it was removed meanwhile, `RepeatUnderWay`.
    """
    state = State.DELIVERED if outcome.reason is None else State.FAILED
    values = {"state": str(state), "status": outcome.status, "reason": outcome.reason and str(outcome.reason)}
    try:
        async with database.changes() as transaction:
            [row] = await transaction.rows(_ADD_TEST, this=id, webhook=webhook.id, test=TEST, **values)
            if outcome.reason is None:
                await transaction.rows(_SWITCH_ON, webhook=webhook.id)
            delivery = delivery_of(row)
            if once is not None:
                await idempotency.keep(transaction, once, delivery)
    except ForeignKeyViolationError as error:
        raise WebhookNotFound from error
    return delivery


async def page(
    database: Database, webhook: Webhook, states: Sequence[State], offset: int, limit: int
) -> tuple[int, list[Delivery]]:
    """The total, and one page of deliveries, newest first."""
    chosen = {"webhook": webhook.id, "states": [str(state) for state in states]}
    [counted] = await database.rows(_COUNT, **chosen)
    rows = await database.rows(_PAGE, **chosen, skipped=offset, shown=limit)
    return counted.deliveries, [delivery_of(row) for row in rows]


async def send_again(database: Database, webhook: Webhook, id: UUID, once: Once[Delivery] | None = None) -> Delivery:
    """Reset a delivery so that it is sent again under the same id, even if it succeeded. One that already waits to be
    sent now gets its full number of attempts again.

    Raises `WebhookOff`, `DeliveryNotFound`, `DeliveryUnderWay`, `RepeatUnderWay`.
    """
    if webhook.switched_off_at is not None:
        raise WebhookOff
    async with database.changes() as transaction:
        found = await transaction.rows(_BEGIN_AGAIN, this=id, webhook=webhook.id)
        if not found:
            raise (
                DeliveryUnderWay if await transaction.rows(_IS_THERE, this=id, webhook=webhook.id) else DeliveryNotFound
            )
        delivery = delivery_of(found[0])
        if once is not None:
            await idempotency.keep(transaction, once, delivery)
    return delivery


async def forget(database: Database, *, dry_run: bool) -> int:
    """Remove deliveries after their seven days. Returns how many."""
    past = col(DeliveryRow.created_at) < func.now() - literal(KEPT)
    return await batches.remove(database, DeliveryRow, past, dry_run=dry_run)


_ADD_TEST = statement_of(
    f"""INSERT INTO deliveries (id, webhook_id, type, data, state, attempts, status, reason, attempted_at)
    VALUES (:this, :webhook, :test, '{{}}', :state, 1, :status, :reason, now()) RETURNING {COLUMNS}""",  # noqa: S608
    this=Uuid,
    webhook=Uuid,
    test=Text,
    state=Text,
    status=SmallInteger,
    reason=Text,
)
_SWITCH_ON = statement_of(
    """UPDATE webhooks SET failing_since = NULL, switched_off_at = NULL, switched_off_why = NULL
    WHERE id = :webhook AND (failing_since IS NOT NULL OR switched_off_at IS NOT NULL)""",
    webhook=Uuid,
)
# Not if it may be under way: it is due, and a worker sends what is due to its webhook.
_BEGIN_AGAIN = statement_of(
    f"""UPDATE deliveries SET state = 'waiting', attempts = 0, next_at = now()
    WHERE id = :this AND webhook_id = :webhook
        AND NOT (state = 'waiting' AND coalesce(next_at, created_at) <= now() AND EXISTS (
            SELECT FROM pgqueuer WHERE dedupe_key = CAST(webhook_id AS text) AND status = 'picked'
        ))
    RETURNING {COLUMNS}""",  # noqa: S608
    this=Uuid,
    webhook=Uuid,
)
_IS_THERE = statement_of("SELECT 1 FROM deliveries WHERE id = :this AND webhook_id = :webhook", this=Uuid, webhook=Uuid)
_CHOSEN = (
    col(DeliveryRow.webhook_id) == bindparam("webhook"),
    col(DeliveryRow.state) == func.any(bindparam("states", type_=ARRAY(Text))),
)
_COUNT = Statement(select(func.count().label("deliveries")).select_from(DeliveryRow).where(*_CHOSEN))
_PAGE = Statement(
    select(DeliveryRow)
    .where(*_CHOSEN)
    .order_by(col(DeliveryRow.created_at).desc(), col(DeliveryRow.id))
    .offset(bindparam("skipped"))
    .limit(bindparam("shown"))
)
