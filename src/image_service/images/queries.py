"""Reads images and galleries as frozen values. Each list is read in one statement, so in one snapshot;
its total may be a moment older."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, BigInteger, and_, any_, bindparam, func
from sqlmodel import col, select

from image_service.database.database import Database
from image_service.database.direct import Row, Statement
from image_service.edge.token import is_token
from image_service.errors import ForeignImage, ImageNotFound
from image_service.images.models import IMAGE_OF_GALLERY, GalleryRow, ImageRow, TrashRow
from image_service.pixels.picture import Format
from image_service.stores import tokens
from image_service.stores.models import StoreRow, TokenRow
from image_service.stores.tokens import Caller


class Image(msgspec.Struct, frozen=True):  # five times as fast as a dataclass; a list makes thirty
    version: int  # the gallery's revision; for an orphan the microsecond of its last change
    key: str  # 32 hex digits
    sha256: str  # 64 hex digits, of the stored bytes
    format: Format
    # From here on, columns of the same names: a new column needs a line here.
    id: int
    store_id: int
    product_id: int | None  # None: an orphan
    position: int | None
    slug: str
    filename: str
    bytes: int
    width: int
    height: int
    frames: int
    thumbhash: str  # base64
    alt: str | dict[str, str] | None
    source_url: str | None
    variant_ids: list[int] | None  # of the product, or None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Gallery:
    revision: int  # 0: never written
    images: tuple[Image, ...]  # by position


Item = TypeVar("Item")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Page(Generic[Item]):
    items: tuple[Item, ...]
    total: int  # of all pages


def microseconds(moment: datetime) -> int:
    """Since 1970, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


class _ByName(Protocol):
    """A row of a session or a `Statement`."""

    def __getitem__(self, name: str, /) -> Any: ...


def image_of(row: _ByName, revision: int | None) -> Image:
    """`row` has at least the columns of `images`. `revision`: the gallery's, None for an orphan."""
    return Image(
        microseconds(row["updated_at"]) if revision is None else revision,
        row["key"].hex,
        row["sha256"].hex(),
        _FORMATS[row["format"]],
        *_as_they_are(row),
    )


_FORMATS = {str(format_): format_ for format_ in Format}
_as_they_are = itemgetter(*Image.__struct_fields__[4:])  # all but the four above


# An image beside its gallery's revision (null for an orphan).
_WITH_REVISION = select(ImageRow, GalleryRow.revision).outerjoin(GalleryRow, IMAGE_OF_GALLERY)


_BY_ID = Statement(_WITH_REVISION.where(ImageRow.id == bindparam("image_id")))
_BY_KEY = Statement(_WITH_REVISION.where(ImageRow.key == bindparam("key"), ImageRow.store_id == bindparam("store_id")))
_BY_SHA256 = Statement(
    _WITH_REVISION.where(ImageRow.sha256 == bindparam("sha256"), ImageRow.store_id == bindparam("store_id"))
    .order_by(col(ImageRow.id))
    .limit(1)
)
_IN_TRASH = Statement(
    select(TrashRow.key, col(ImageRow.id).label("image_id"))
    .outerjoin(ImageRow, col(ImageRow.id) == col(TrashRow.image_id))
    .where(
        col(TrashRow.key) == bindparam("key"),
        col(TrashRow.store_id) == bindparam("store_id"),
        col(TrashRow.image_id).is_not(None),
    )
)
_GALLERY = Statement(
    select(ImageRow, GalleryRow.revision)
    .select_from(GalleryRow)
    .outerjoin(ImageRow, IMAGE_OF_GALLERY)
    .where(GalleryRow.store_id == bindparam("store_id"), GalleryRow.product_id == bindparam("product_id"))
    .order_by(col(ImageRow.position))
)
_GALLERIES = Statement(
    select(ImageRow, GalleryRow.revision)
    .join(GalleryRow, IMAGE_OF_GALLERY)
    .where(
        GalleryRow.store_id == bindparam("store_id"),
        col(GalleryRow.product_id) == any_(bindparam("product_ids", type_=ARRAY(BigInteger))),
    )
    .order_by(col(ImageRow.product_id), col(ImageRow.position))
)


_REVISION_OF_TOKEN = Statement(
    select(TokenRow.store_id, TokenRow.scope, TokenRow.id, StoreRow.language)
    .add_columns(col(GalleryRow.revision))
    .select_from(TokenRow)
    .join(StoreRow, col(StoreRow.id) == col(TokenRow.store_id))
    .outerjoin(
        GalleryRow,
        and_(col(GalleryRow.store_id) == col(TokenRow.store_id), col(GalleryRow.product_id) == bindparam("product_id")),
    )
    .where(col(TokenRow.sha256) == bindparam("sha256"))
)


async def image(database: Database, store_id: int, image_id: int) -> Image:
    """Raises `ImageNotFound`; its subclass `ForeignImage` for another store's."""
    found = await database.rows(_BY_ID, image_id=image_id)
    if not found:
        raise ImageNotFound
    if found[0].store_id != store_id:
        raise ForeignImage
    return image_of(found[0], found[0].revision)


async def image_by_key(database: Database, store_id: int, key: str) -> Image | None:
    """The live image whose current bytes this key names."""
    found = await database.rows(_BY_KEY, key=UUID(key), store_id=store_id)
    return image_of(found[0], found[0].revision) if found else None


async def image_with_bytes(database: Database, store_id: int, sha256: str) -> Image | None:
    """The store's oldest image that has these bytes."""
    found = await database.rows(_BY_SHA256, sha256=bytes.fromhex(sha256), store_id=store_id)
    return image_of(found[0], found[0].revision) if found else None


class KeyEnd(StrEnum):
    """Why a key names no bytes any more."""

    REPLACED = "replaced"  # its image has new bytes
    DELETED = "deleted"  # its image is deleted


async def end_of_key(database: Database, store_id: int, key: str) -> tuple[KeyEnd, int | None] | None:
    """Why a key is gone, and the image's id if it has new bytes. None if the key is not in the trash (kept 1 day)."""
    found = await database.rows(_IN_TRASH, key=UUID(key), store_id=store_id)
    if not found:
        return None
    image_id: int | None = found[0].image_id
    return KeyEnd.DELETED if image_id is None else KeyEnd.REPLACED, image_id


async def gallery(database: Database, store_id: int, product_id: int) -> Gallery:
    """The images of a product, by position. At most `MAX_IMAGES_PER_PRODUCT`, so never paged in SQL."""
    found = await database.rows(_GALLERY, store_id=store_id, product_id=product_id)
    return _gallery_read(found)


async def galleries(database: Database, store_id: int, product_ids: Sequence[int]) -> dict[int, Gallery]:
    """The galleries of several products, by product id, without the empty ones."""
    found = await database.rows(_GALLERIES, store_id=store_id, product_ids=list(product_ids))
    return {product_id: _gallery_read(list(rows)) for product_id, rows in groupby(found, itemgetter("product_id"))}


async def revision_of_token(database: Database, token: str, product_id: int) -> tuple[Caller, int] | None:
    """The token's owner, and the revision of that store's gallery, in one round trip; None if the token is unknown."""
    if not is_token(token):
        return None
    found = await database.rows(_REVISION_OF_TOKEN, sha256=tokens.digest(token), product_id=product_id)
    if not found:
        return None
    return tokens.caller_read(found[0]), found[0].revision or 0


def _gallery_read(rows: list[Row]) -> Gallery:
    revision = rows[0].revision if rows else None
    # The left join gives one row without an image for an empty gallery.
    images = tuple(image_of(row, revision) for row in rows if row["id"] is not None)
    return Gallery(revision=revision or 0, images=images)


async def images(
    database: Database, store_id: int, *, assigned: bool | None, since_id: int, offset: int, limit: int
) -> Page[Image]:
    """The images of a store by id; `assigned` False: the orphans, True: those on products, None: all."""
    conditions = [col(ImageRow.store_id) == store_id, col(ImageRow.id) > since_id]
    if assigned is not None:
        placed = col(ImageRow.product_id).is_not(None)
        conditions.append(placed if assigned else ~placed)
    statement = _WITH_REVISION.where(*conditions).order_by(col(ImageRow.id)).offset(offset).limit(limit)
    async with database.statement() as session:
        total = (await session.exec(select(func.count()).select_from(ImageRow).where(*conditions))).one()
        found = (await session.exec(statement)).all()
    return Page(tuple(image_of(row.model_dump(), revision) for row, revision in found), total)
