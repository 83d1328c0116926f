"""Products as lists and searches find them: those that have images, a name or a key."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Text, any_, bindparam, exists, func, union
from sqlmodel import col, select

from image_service.database.database import Database
from image_service.database.direct import Row, Statement
from image_service.images.models import GalleryRow, ImageRow, ProductRow
from image_service.images.products.naming import Name, normalized
from image_service.images.queries import Page

FOUND = 1_000  # products that a search finds at the most: whoever gets more adds a word
IMAGES_LOOKED_AT = 4 * FOUND  # that many of them have


@dataclass(frozen=True)
class Product:
    id: int
    revision: int
    images_count: int
    key: str | None
    name: Name


async def listed(database: Database, store_id: int, *, since_id: int, offset: int, limit: int) -> Page[Product]:
    """All products of a store, by id."""
    found = await database.rows(_PAGE, store_id=store_id, since_id=since_id, offset=offset, limit=limit)
    [total] = await database.rows(_TOTAL, store_id=store_id, since_id=since_id)
    return Page(tuple(map(_product, found)), total.with_images + total.without)


async def found(
    database: Database, store_id: int, *, key: str | None, words: str | None, since_id: int, offset: int, limit: int
) -> Page[Product]:
    """Those with this `key`, and those that `words` find, by id.

    Each of the words begins one of the product's, in its name and key, or in file name and alt text of one of its
    images. Where more than `FOUND` do, it is not said which of them are found.
    """
    ids: set[int] | None = None
    if key is not None:
        rows = await database.rows(_WITH_KEY, store_id=store_id, key=normalized(key))
        ids = {row.product_id for row in rows}
    if words is not None:
        rows = await database.rows(_WITH_WORDS, store_id=store_id, words=words)
        with_words = {row.product_id for row in rows}
        ids = with_words if ids is None else ids & with_words
    matching = sorted(each for each in ids or () if each > since_id)[:FOUND]
    page = matching[offset : offset + limit]
    shown = await database.rows(_THESE, store_id=store_id, product_ids=page) if page else []
    return Page(tuple(map(_product, shown)), len(matching))


def _product(row: Row) -> Product:
    return Product(row.product_id, row.revision, row.images_count, row.key, row.name)


_STORE: Any = bindparam("store_id", type_=BigInteger)
_SINCE: Any = bindparam("since_id", type_=BigInteger)
_OF_GALLERY = (col(ImageRow.store_id) == col(GalleryRow.store_id)) & (
    col(ImageRow.product_id) == col(GalleryRow.product_id)
)
_COUNT = select(func.count()).select_from(ImageRow).where(_OF_GALLERY).correlate(GalleryRow).scalar_subquery()
_PRODUCTS = (
    select(col(GalleryRow.product_id), col(GalleryRow.revision), col(ProductRow.key), col(ProductRow.name))
    .add_columns(_COUNT.label("images_count"))
    .select_from(GalleryRow)
    .outerjoin(
        ProductRow,
        (col(ProductRow.store_id) == col(GalleryRow.store_id))
        & (col(ProductRow.product_id) == col(GalleryRow.product_id)),
    )
    # A gallery that is not empty has exactly one image at position 1, which has an index of its own.
    .where(
        col(GalleryRow.store_id) == _STORE,
        col(ProductRow.product_id).is_not(None) | exists().where(_OF_GALLERY, col(ImageRow.position) == 1),
    )
    .order_by(col(GalleryRow.product_id))
)
_PAGE = Statement(
    _PRODUCTS.where(col(GalleryRow.product_id) > _SINCE)
    .offset(bindparam("offset", type_=BigInteger))
    .limit(bindparam("limit", type_=BigInteger))
)
_THESE = Statement(
    _PRODUCTS.where(col(GalleryRow.product_id) == any_(bindparam("product_ids", type_=ARRAY(BigInteger))))
)
_FIRST = (col(ImageRow.store_id) == _STORE, col(ImageRow.position) == 1)
_WITH_IMAGES = select(func.count()).select_from(ImageRow).where(*_FIRST, col(ImageRow.product_id) > _SINCE)
_WITHOUT = (
    select(func.count())
    .select_from(ProductRow)
    .where(
        col(ProductRow.store_id) == _STORE,
        col(ProductRow.product_id) > _SINCE,
        ~exists().where(*_FIRST, col(ImageRow.product_id) == col(ProductRow.product_id)),
    )
)
_TOTAL = Statement(
    select(_WITH_IMAGES.scalar_subquery().label("with_images"), _WITHOUT.scalar_subquery().label("without"))
)
_WITH_KEY = Statement(
    select(col(ProductRow.product_id)).where(
        col(ProductRow.store_id) == _STORE, col(ProductRow.key) == bindparam("key")
    )
)
# A subquery: the planner does not see the words. For frequent ones it would rather go through the whole table.
_QUERY = select(func.search_query(_STORE, bindparam("words", type_=Text))).scalar_subquery()
_BY_NAME = (
    select(col(ProductRow.product_id))
    .where(
        col(ProductRow.store_id) == _STORE,
        func.product_words(col(ProductRow.store_id), col(ProductRow.key), col(ProductRow.name)).op("@@")(_QUERY),
    )
    .limit(FOUND)
)
_BY_IMAGE = (
    select(col(ImageRow.product_id))
    .where(
        col(ImageRow.store_id) == _STORE,
        col(ImageRow.product_id).is_not(None),
        func.image_words(col(ImageRow.store_id), col(ImageRow.filename), col(ImageRow.alt)).op("@@")(_QUERY),
    )
    .limit(IMAGES_LOOKED_AT)
)
_WITH_WORDS = Statement(union(_BY_NAME.subquery().select(), _BY_IMAGE.subquery().select()))
