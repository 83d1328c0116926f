"""The table of the stores' jobs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Sequence,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

NUMBERS = Sequence("store_job_numbers", metadata=SQLModel.metadata)


class StoreJobRow(SQLModel, table=True):
    """The queue row is deleted when the job ends; this row after 30 days, or with its store."""

    __tablename__ = "store_jobs"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'finished', 'failed', 'cancelled')", name="store_jobs_states"),
        Index("store_jobs_of_store", "store_id", "created_at", "id"),
        Index("store_jobs_by_age", "created_at"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    store_id: int = Field(sa_column=Column(BigInteger, ForeignKey("stores.id", ondelete="CASCADE"), nullable=False))
    # The order of the requests. None: from before 0019.
    number: int | None = Field(
        default=None, sa_column=Column(BigInteger, server_default=NUMBERS.next_value(), nullable=True)
    )
    kind: str = Field(sa_column=Column(Text, nullable=False))
    state: str = Field(sa_column=Column(Text, nullable=False, server_default="queued"))
    asked: Any = Field(sa_column=Column(JSONB(none_as_null=True), nullable=False))
    result: Any = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    receipts: Any = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=False, server_default="[]"))
    # Those that a host refused. Outages of database and blob store do not count.
    tries: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    created_at: datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )
    started_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    first_refused_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    finished_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
