"""The outbox: what has changed, written by the very statement that changes it, for the webhooks that ask for it.

A room that changes something makes its statement `announcing(...)`: no round trip more, nothing written where no
webhook of the store asks for such an event, and nothing left where the change is rolled back. The workers look for
webhooks that have something to send (`queue/turns.py`): a change writes no row of the queue.
"""

from enum import StrEnum

from sqlalchemy import CTE, Select, Text, and_, func, insert, literal, select
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col

from image_service.queue.webhook_rows import DeliveryRow, WebhookRow

KIND = "webhook"  # of work: send what is due to one webhook, whose id is the payload


class Event(StrEnum):
    IMAGE_CREATED = "image.created"
    IMAGE_UPDATED = "image.updated"
    IMAGE_DELETED = "image.deleted"
    GALLERY_CHANGED = "gallery.changed"
    IMAGE_FAILED = "image.failed"
    JOB_FINISHED = "job.finished"


def announcing(
    changed: CTE, event: Event, data: ColumnElement[object], where: ColumnElement[bool] | None = None
) -> Select[*tuple[object, ...]]:
    """The rows of `changed`, which has a `store_id`; each of them is an event with its `data`, or those alone that are
    `where`.
    """
    return select(*changed.c).add_cte(announcements(changed, event, data, where))


def announcements(
    changed: CTE, event: Event, data: ColumnElement[object], where: ColumnElement[bool] | None = None
) -> CTE:
    """Of `announcing`, for statements that end otherwise."""
    name = event.replace(".", "_")
    asks = and_(
        col(WebhookRow.store_id) == changed.c.store_id,
        literal(str(event), Text) == col(WebhookRow.events).any_(),
        col(WebhookRow.switched_off_at).is_(None),
    )
    # Locked as the foreign key locks it: one that is being removed is passed over, where the key would fail the change.
    told = (
        select(
            func.gen_random_uuid().label("id"),
            col(WebhookRow.id).label("webhook_id"),
            data.label("data"),
        )
        .select_from(changed)
        .join(WebhookRow, asks if where is None else and_(asks, where))
        .with_for_update(read=True, key_share=True, of=WebhookRow)
        .cte(f"{name}_told")
    )
    delivery = insert(DeliveryRow).from_select(
        ["id", "webhook_id", "type", "data"],
        select(told.c.id, told.c.webhook_id, literal(str(event), Text), told.c.data),
    )
    return delivery.cte(f"{name}_delivery")
