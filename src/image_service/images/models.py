"""The tables of images, galleries, and what keeps rows and bytes in step.

Default None: the database sets the value.
Keys and digests are stored as bytes, not as hex: at ten billion images each hex digit is 10 GB.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel, col

# About 1 product in 17: a search tries them first. By ranges of ids, as adjacent ids share a page.
IN_SAMPLE = "product_id / 64 % 17 = 0"


def _search_index(name: str, words: str, where: str | None = None) -> Index:
    """Migration 0011 defines functions."""
    options: dict[str, Any] = {} if where is None else {"postgresql_where": text(where)}
    return Index(name, text(words), postgresql_using="gin", postgresql_with={"fastupdate": "off"}, **options)


_IMAGE_WORDS = "image_words(store_id, filename, alt)"
_PRODUCT_WORDS = "product_words(store_id, key, name)"


class ImageRow(SQLModel, table=True):
    __tablename__ = "images"
    __table_args__ = (
        CheckConstraint("(product_id IS NULL) = (position IS NULL)", name="images_placed_or_orphan"),
        CheckConstraint("position >= 1", name="images_position_from_1"),
        # The gallery's row lock keeps positions exact; this is the second line of defence. Deferred, since a
        # move shifts many rows. It is also the index that lists a gallery in order.
        UniqueConstraint(
            "store_id",
            "product_id",
            "position",
            name="images_one_per_position",
            deferrable=True,
            initially="DEFERRED",
        ),
        Index("images_by_store", "store_id", "id"),
        # The first image of each product: `GET /products`, and how many there are.
        Index("images_first", "store_id", "product_id", postgresql_where=text("position = 1")),
        # Finds a store's images by their bytes.
        Index("images_by_sha256", "store_id", "sha256"),
        # For the sweep with ORPHAN_TTL. Its columns never change: an update that changes no indexed column writes
        # to no index.
        Index("images_orphans", "created_at", "id", postgresql_where=text("product_id IS NULL")),
        _search_index("images_search", _IMAGE_WORDS, "product_id IS NOT NULL"),
        _search_index("images_search_sample", _IMAGE_WORDS, IN_SAMPLE),
    )

    id: int = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    store_id: int = Field(sa_column=Column(BigInteger, ForeignKey("stores.id"), nullable=False))
    product_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    position: int | None = Field(default=None, sa_column=Column(Integer))
    key: UUID = Field(sa_column=Column(Uuid, nullable=False, unique=True))
    slug: str = Field(sa_column=Column(Text, nullable=False))
    filename: str = Field(sa_column=Column(Text, nullable=False))
    sha256: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    bytes: int = Field(sa_column=Column(Integer, nullable=False))
    format: str = Field(sa_column=Column(Text, nullable=False))
    width: int = Field(sa_column=Column(Integer, nullable=False))
    height: int = Field(sa_column=Column(Integer, nullable=False))
    frames: int = Field(sa_column=Column(SmallInteger, nullable=False))
    thumbhash: str = Field(sa_column=Column(Text, nullable=False))
    alt: Any = Field(sa_column=Column(JSONB(none_as_null=True)))
    source_url: str | None = Field(sa_column=Column(Text))
    # Variants of the product, each on at most one image. None, the most frequent, takes no space in the row.
    variant_ids: list[int] | None = Field(default=None, sa_column=Column(ARRAY(BigInteger)))
    # Of the asynchronous create that made it, until the image is given a place: see `positions.entering`.
    job_number: int | None = Field(default=None, sa_column=Column(BigInteger))
    created_at: datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )
    updated_at: datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )


class GalleryRow(SQLModel, table=True):
    """One row for each product that ever had an image; never deleted, so that a revision is never used twice."""

    __tablename__ = "galleries"

    store_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    product_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    revision: int = Field(sa_column=Column(BigInteger, nullable=False))


class SourceRow(SQLModel, table=True):
    """Validators (`ETag`, `Last-Modified`) of the last fetch of an image. Stale if `key` differs from the image's."""

    __tablename__ = "sources"

    image_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("images.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    )
    key: UUID = Field(sa_column=Column(Uuid, nullable=False))
    final_url: str = Field(sa_column=Column(Text, nullable=False))  # after redirects
    etag: str | None = Field(default=None, sa_column=Column(Text))
    modified: str | None = Field(default=None, sa_column=Column(Text))  # `Last-Modified`, as it was sent


class ProductRow(SQLModel, table=True):
    """A product's name and key. A product with neither has no row, even if it has images.

    A transaction that changes this row locks the gallery's first: the revision counts these changes too.
    """

    __tablename__ = "products"
    __table_args__ = (
        UniqueConstraint("store_id", "key", name="products_one_per_key"),
        CheckConstraint("key IS NOT NULL OR name IS NOT NULL", name="products_described"),
        _search_index("products_search", _PRODUCT_WORDS),
        _search_index("products_search_sample", _PRODUCT_WORDS, IN_SAMPLE),
    )

    store_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("stores.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    )
    product_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    key: str | None = Field(sa_column=Column(Text))  # NFC
    name: Any = Field(sa_column=Column(JSONB(none_as_null=True)))  # a text, or a map of language to text


# Joins. A product's name and key hang on its gallery, which outlives them.
IMAGE_OF_GALLERY = (col(ImageRow.store_id) == col(GalleryRow.store_id)) & (
    col(ImageRow.product_id) == col(GalleryRow.product_id)
)
PRODUCT_OF_GALLERY = (col(ProductRow.store_id) == col(GalleryRow.store_id)) & (
    col(ProductRow.product_id) == col(GalleryRow.product_id)
)

# Ids of products created by key: above the ids that platforms assign, and still exact in JavaScript.
PRODUCT_IDS = Sequence("product_ids", start=2**52, minvalue=2**52, maxvalue=2**53 - 1, metadata=SQLModel.metadata)


class TrashRow(SQLModel, table=True):
    """The key of an image that was deleted or got new bytes; its original is removed a day later."""

    __tablename__ = "trash"

    key: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    store_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    slug: str = Field(sa_column=Column(Text, nullable=False))
    image_id: int | None = Field(default=None, sa_column=Column(BigInteger))  # None: a stray, or from before 0006
    deleted_at: datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, index=True, server_default=func.now())
    )


class ReservationRow(SQLModel, table=True):
    """A key under which bytes may be stored, and that no image has yet."""

    __tablename__ = "reservations"

    key: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    reserved_at: datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )


class IdempotencyRow(SQLModel, table=True):
    """The idempotency key of a request. Without a status the request is under way, and its owner has the row until the
    lease ends.
    """

    __tablename__ = "idempotency_keys"

    store_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("stores.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    )
    key: str = Field(sa_column=Column(Text, primary_key=True))
    fingerprint: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    owner: UUID = Field(sa_column=Column(Uuid, nullable=False))
    leased_until: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    status: int | None = Field(default=None, sa_column=Column(SmallInteger))
    headers: Any = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))  # [[name, value], …]
    body: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    created_at: datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, index=True, server_default=func.now())
    )


class UploadTicketRow(SQLModel, table=True):
    """An upload ticket: what its URL still allows. Deleted to withdraw it, also with its token or store."""

    __tablename__ = "upload_tickets"
    # Counted under a lock; this is the second line of defence.
    __table_args__ = (CheckConstraint("files_left >= 0 AND bytes_left >= 0", name="upload_tickets_never_overdrawn"),)

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    store_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("stores.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    token_id: int | None = Field(
        sa_column=Column(BigInteger, ForeignKey("tokens.id", ondelete="CASCADE"), nullable=True, index=True)
    )
    product_id: int | None = Field(sa_column=Column(BigInteger))
    position: int | None = Field(sa_column=Column(Integer))
    files: int = Field(sa_column=Column(Integer, nullable=False))
    files_left: int = Field(sa_column=Column(Integer, nullable=False))
    bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    bytes_left: int = Field(sa_column=Column(BigInteger, nullable=False))
    bytes_per_file: int = Field(sa_column=Column(BigInteger, nullable=False))
    tries_left: int = Field(sa_column=Column(Integer, nullable=False))
    origins: list[str] = Field(sa_column=Column(JSONB, nullable=False))
    created_at: datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )
    expires_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, index=True))


class SigningKeyRow(SQLModel, table=True):
    """A secret of this installation, by what it signs."""

    __tablename__ = "signing_keys"

    purpose: str = Field(sa_column=Column(Text, primary_key=True))
    key: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class InstanceRow(SQLModel, table=True):
    """This installation's id; the blob store carries the same."""

    __tablename__ = "instance"
    __table_args__ = (CheckConstraint("single", name="instance_single"),)

    single: bool = Field(sa_column=Column(Boolean, primary_key=True, server_default=true()))
    id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    # The last sweep left one of the two in the blob store, even if it was interrupted.
    mark: UUID | None = Field(default=None, sa_column=Column(Uuid))
    next_mark: UUID | None = Field(default=None, sa_column=Column(Uuid))


class JobRow(SQLModel, table=True):
    """Time and result of the last sweep, audit or verify."""

    __tablename__ = "jobs"

    job: str = Field(sa_column=Column(Text, primary_key=True))
    last_run: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    failed: bool = Field(sa_column=Column(Boolean, nullable=False))
    last_success: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    seconds: float = Field(default=0.0, sa_column=Column(Float, nullable=False, server_default="0"))
    counts: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default="{}"))
    # Where the next run resumes an unfinished job.
    cursor: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
