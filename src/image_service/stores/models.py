"""The tables of stores and tokens. A default of None is set by the database."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    LargeBinary,
    Text,
    func,
)
from sqlmodel import Field, SQLModel

DEFAULT_LANGUAGE = "es"  # of texts without a language: that of most stores that have moved here


class StoreRow(SQLModel, table=True):
    __tablename__ = "stores"

    id: int = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    name: str = Field(sa_column=Column(Text, nullable=False))
    language: str = Field(default=None, sa_column=Column(Text, nullable=False, server_default=DEFAULT_LANGUAGE))
    created_at: datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )


class TokenRow(SQLModel, table=True):
    """A token is kept as its SHA-256 alone: 256 random bits need no salt."""

    __tablename__ = "tokens"
    __table_args__ = (CheckConstraint("scope IN ('write', 'read')", name="tokens_scope"),)

    id: int = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    store_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("stores.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    sha256: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    scope: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )


class RateBucketRow(SQLModel, table=True):
    """A store's bucket level at a moment. Unlogged: a crash empties all buckets, and no call writes to the log.

    No foreign key: a removed store leaves one row, and its bucket is long empty when the id is used again.
    """

    __tablename__ = "rate_buckets"
    __table_args__ = {"prefixes": ["UNLOGGED"]}

    store_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    level: float = Field(sa_column=Column(Double, nullable=False))
    allowed: bool = Field(sa_column=Column(Boolean, nullable=False))  # whether the latest call was allowed
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
