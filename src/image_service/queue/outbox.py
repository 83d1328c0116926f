"""The outbox: events for the subscribed webhooks, written by the same statement as the change.

A caller wraps its statement in `announcing(...)`. This costs no extra round trip, writes nothing if no webhook of the
store subscribes to the event, and a rollback of the change removes the events. A change writes no queue row: the
workers look for webhooks that have deliveries to send (`queue/turns.py`).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import CTE, Function, Select, Text, and_, func, insert, literal, select, text
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col

from image_service.queue.webhook_rows import DeliveryRow, WebhookRow

KIND = "webhook"  # of work: send the due deliveries of one webhook; the payload is its id


class Event(StrEnum):
    IMAGE_CREATED = "image.created"
    IMAGE_UPDATED = "image.updated"
    IMAGE_DELETED = "image.deleted"
    GALLERY_CHANGED = "gallery.changed"
    IMAGE_FAILED = "image.failed"
    JOB_FINISHED = "job.finished"


def json_of(values: Mapping[str, Any]) -> Function[Any]:
    """A JSON object of columns and expressions. The names are ours, not a client's."""
    return func.jsonb_build_object(*(part for name, value in values.items() for part in (text(f"'{name}'"), value)))


def announcing(
    changed: CTE, event: Event, data: ColumnElement[object], where: ColumnElement[bool] | None = None
) -> Select[*tuple[object, ...]]:
    """Selects the rows of `changed`, which has a `store_id`. Writes an event with `data` for each row that matches
    `where`, or for all rows.
    """
    return select(*changed.c).add_cte(announcements(changed, event, data, where))


def announcements(
    changed: CTE, event: Event, data: ColumnElement[object], where: ColumnElement[bool] | None = None
) -> CTE:
    """The CTE of `announcing`, for other statements."""
    name = event.replace(".", "_")
    asks = and_(
        col(WebhookRow.store_id) == changed.c.store_id,
        literal(str(event), Text) == col(WebhookRow.events).any_(),
        col(WebhookRow.switched_off_at).is_(None),
    )
    # The same lock as the foreign key's. It skips a webhook that is being removed; the key would fail the change.
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
