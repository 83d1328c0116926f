"""The tables of webhooks and deliveries. The database sets the defaults that are None here."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


def _time(**options: Any) -> Any:
    return Column(DateTime(timezone=True), **options)


class WebhookRow(SQLModel, table=True):
    """A URL that receives a store's events. Secrets are stored in plain text: they sign each delivery."""

    __tablename__ = "webhooks"
    __table_args__ = (Index("webhooks_of_store", "store_id"),)

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    store_id: int = Field(sa_column=Column(BigInteger, ForeignKey("stores.id", ondelete="CASCADE"), nullable=False))
    url: str = Field(sa_column=Column(Text, nullable=False))
    events: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    secret: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    previous_secret: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    previous_until: datetime | None = Field(default=None, sa_column=_time())
    created_at: datetime = Field(default=None, sa_column=_time(nullable=False, server_default=func.now()))
    failing_since: datetime | None = Field(default=None, sa_column=_time())  # no delivery has succeeded since
    switched_off_at: datetime | None = Field(default=None, sa_column=_time())
    switched_off_why: str | None = Field(default=None, sa_column=Column(Text))


class DeliveryRow(SQLModel, table=True):
    """An event on its way to one webhook: the outbox. Its id is the `webhook-id` of each attempt."""

    __tablename__ = "deliveries"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'delivered', 'failed')", name="deliveries_states"),
        Index("deliveries_of_webhook", "webhook_id", "created_at", "id"),
        Index("deliveries_by_age", "created_at"),
        # The waiting deliveries of each webhook, the longest due first.
        Index(
            "deliveries_due",
            "webhook_id",
            text("coalesce(next_at, created_at)"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    webhook_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False))
    type: str = Field(sa_column=Column(Text, nullable=False))
    data: Any = Field(sa_column=Column(JSONB(none_as_null=True), nullable=False))
    state: str = Field(default=None, sa_column=Column(Text, nullable=False, server_default="waiting"))
    attempts: int = Field(default=None, sa_column=Column(Integer, nullable=False, server_default="0"))
    status: int | None = Field(default=None, sa_column=Column(SmallInteger))  # of the latest response
    reason: str | None = Field(default=None, sa_column=Column(Text))  # of the latest failure
    created_at: datetime = Field(default=None, sa_column=_time(nullable=False, server_default=func.now()))
    attempted_at: datetime | None = Field(default=None, sa_column=_time())
    next_at: datetime | None = Field(default=None, sa_column=_time())  # of the next attempt; null before the first
