"""The queue's tables: pgqueuer's, without its trigger and unused parts, plus two columns of ours.

pgqueuer reads and writes its own columns (`queue/repository.py`); a test compares them with pgqueuer's schema.
Our columns are `store_id` and `lane`. Removing a store removes its work, and stores take turns, by `store_id`.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class Status(StrEnum):
    """pgqueuer's statuses. Queue rows are `queued`, `picked` or `failed` (held); the log uses the others."""

    QUEUED = "queued"
    PICKED = "picked"
    SUCCESSFUL = "successful"
    EXCEPTION = "exception"
    CANCELED = "canceled"
    DELETED = "deleted"
    FAILED = "failed"


STATUS = Enum(Status, name="pgqueuer_status", values_callable=lambda statuses: [str(each) for each in statuses])


def _time() -> Any:
    return Column(DateTime(timezone=True), nullable=False, server_default=func.now())


class QueueRow(SQLModel, table=True):
    __tablename__ = "pgqueuer"
    __table_args__ = (
        # Two indexes for the claim (`queue/turns.py`): queued rows by lane, in order, and running rows.
        Index(
            "pgqueuer_lanes",
            "store_id",
            "lane",
            text("priority DESC"),
            "id",
            postgresql_where=text("status = 'queued'::pgqueuer_status"),
        ),
        Index(
            "pgqueuer_picked_heartbeat_idx",
            "heartbeat",
            postgresql_where=text("status = 'picked'::pgqueuer_status"),
        ),
        # pgqueuer requires this one; none of our kinds has slots.
        Index(
            "pgqueuer_picked_slot_idx",
            "entrypoint",
            "slot",
            unique=True,
            postgresql_where=text("status = 'picked'::pgqueuer_status AND slot IS NOT NULL"),
        ),
        Index(
            "pgqueuer_unique_dedupe_key",
            "dedupe_key",
            unique=True,
            postgresql_where=text(
                "status = ANY (ARRAY['queued'::pgqueuer_status, 'picked'::pgqueuer_status]) AND dedupe_key IS NOT NULL"
            ),
        ),
        Index("pgqueuer_held", "id", postgresql_where=text("status = 'failed'::pgqueuer_status")),
        Index("pgqueuer_of_store", "store_id"),
    )

    id: int = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    store_id: int = Field(sa_column=Column(BigInteger, ForeignKey("stores.id", ondelete="CASCADE"), nullable=False))
    lane: str = Field(default="", sa_column=Column(Text, nullable=False, server_default=""))
    priority: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    queue_manager_id: UUID | None = Field(default=None, sa_column=Column(Uuid))
    created: datetime = Field(default=None, sa_column=_time())
    updated: datetime = Field(default=None, sa_column=_time())
    heartbeat: datetime = Field(default=None, sa_column=_time())
    execute_after: datetime = Field(default=None, sa_column=_time())
    status: Status = Field(sa_column=Column(STATUS, nullable=False, server_default="queued"))
    entrypoint: str = Field(sa_column=Column(Text, nullable=False))
    dedupe_key: str | None = Field(default=None, sa_column=Column(Text))
    payload: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    headers: Any = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    attempts: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    slot: int | None = Field(default=None, sa_column=Column(BigInteger))


class QueueLogRow(SQLModel, table=True):
    """How each row ended, and why it was retried. The sweep prunes it."""

    __tablename__ = "pgqueuer_log"
    __table_args__ = (
        Index("pgqueuer_log_created", "created"),
        Index("pgqueuer_log_job_id_status", "job_id", text("created DESC")),
    )

    id: int = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    created: datetime = Field(default=None, sa_column=_time())
    job_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    status: Status = Field(sa_column=Column(STATUS, nullable=False))
    priority: int = Field(sa_column=Column(Integer, nullable=False))
    entrypoint: str = Field(sa_column=Column(Text, nullable=False))
    traceback: Any = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    aggregated: bool | None = Field(default=None, sa_column=Column(Boolean, server_default=false()))


class QueueStatisticsRow(SQLModel, table=True):
    """Always empty: pgqueuer checks that it exists. Our counts are metrics."""

    __tablename__ = "pgqueuer_statistics"

    id: int = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    created: datetime = Field(default=None, sa_column=_time())
    count: int = Field(sa_column=Column(BigInteger, nullable=False))
    priority: int = Field(sa_column=Column(Integer, nullable=False))
    status: Status = Field(sa_column=Column(STATUS, nullable=False))
    entrypoint: str = Field(sa_column=Column(Text, nullable=False))
