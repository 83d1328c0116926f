"""Lists and searches products: those that have images, a name or a key."""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Text, any_, bindparam, exists, func, text, union
from sqlmodel import col, select

from image_service.database.database import Database
from image_service.database.direct import Row, Statement
from image_service.images.models import (
    IMAGE_OF_GALLERY,
    IN_SAMPLE,
    PRODUCT_OF_GALLERY,
    GalleryRow,
    ImageRow,
    ProductRow,
)
from image_service.images.products.naming import Name, normalized
from image_service.images.queries import Page
from image_service.telemetry import metrics

FOUND = 1_000  # most products in a search result: with more, users add a word
# Most images read for that many products: in the sample, which every search reads, and in all.
IMAGES_OF_SAMPLE, IMAGES_OF_ALL = 6 * FOUND, 20 * FOUND


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
    """Products with this `key`, or that match `words`, or both, by id.

    Each word is a prefix of a word in the product's name and key, or in the file name and alt text of one of its
    images. If more than `FOUND` match, the selection is undefined.
    """
    since = time.perf_counter()
    if key is not None:
        rows = await database.rows(_WITH_KEY, store_id=store_id, key=normalized(key))
        if rows and words is not None:
            rows = await database.rows(_HAS_WORDS, store_id=store_id, product_id=rows[0].product_id, words=words)
    else:
        rows = await database.rows(_WITH_WORDS, store_id=store_id, words=words)
    matching = sorted(row.product_id for row in rows if row.product_id > since_id)
    page = matching[offset : offset + limit]
    shown = await database.rows(_THESE, store_id=store_id, product_ids=page) if page else []
    metrics.SEARCH_SECONDS.observe(time.perf_counter() - since)
    return Page(tuple(map(_product, shown)), len(matching))


def _product(row: Row) -> Product:
    return Product(row.product_id, row.revision, row.images_count, row.key, row.name)


_STORE: Any = bindparam("store_id", type_=BigInteger)
_SINCE: Any = bindparam("since_id", type_=BigInteger)
_COUNT = select(func.count()).select_from(ImageRow).where(IMAGE_OF_GALLERY).correlate(GalleryRow).scalar_subquery()
# A gallery that is not empty has exactly one image at position 1, which has an index of its own.
_IS_ONE = col(ProductRow.product_id).is_not(None) | exists().where(IMAGE_OF_GALLERY, col(ImageRow.position) == 1)
_PRODUCTS = (
    select(col(GalleryRow.product_id), col(GalleryRow.revision), col(ProductRow.key), col(ProductRow.name))
    .add_columns(_COUNT.label("images_count"))
    .select_from(GalleryRow)
    .outerjoin(ProductRow, PRODUCT_OF_GALLERY)
    .where(col(GalleryRow.store_id) == _STORE, _IS_ONE)
    .order_by(col(GalleryRow.product_id))
)
# Ids first: otherwise the images of skipped products are counted too.
_IDS = (
    select(col(GalleryRow.product_id))
    .outerjoin(ProductRow, PRODUCT_OF_GALLERY)
    .where(col(GalleryRow.store_id) == _STORE, col(GalleryRow.product_id) > _SINCE, _IS_ONE)
    .order_by(col(GalleryRow.product_id))
    .offset(bindparam("offset", type_=BigInteger))
    .limit(bindparam("limit", type_=BigInteger))
)
_PAGE = Statement(_PRODUCTS.where(col(GalleryRow.product_id).in_(_IDS)))
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
# A subquery hides the words from the planner. For frequent words it would scan the whole table.
_QUERY = select(func.search_query(_STORE, bindparam("words", type_=Text))).scalar_subquery()
_BY_NAME = (
    select(col(ProductRow.product_id))
    .where(col(ProductRow.store_id) == _STORE)
    .where(func.product_words(col(ProductRow.store_id), col(ProductRow.key), col(ProductRow.name)).op("@@")(_QUERY))
)
_BY_IMAGE = (
    select(col(ImageRow.product_id))
    .where(col(ImageRow.store_id) == _STORE, col(ImageRow.product_id).is_not(None))
    .where(func.image_words(col(ImageRow.store_id), col(ImageRow.filename), col(ImageRow.alt)).op("@@")(_QUERY))
)
# A GIN index finds all rows with a frequent word before the first can be read. So a sample with its own index is
# searched first, and all products only if it has too few.
_SAMPLE = union(
    _BY_NAME.where(text(IN_SAMPLE)).limit(FOUND).subquery().select(),
    _BY_IMAGE.where(text(IN_SAMPLE)).limit(IMAGES_OF_SAMPLE).subquery().select(),
).cte("sample")
_IS_TOO_FEW = select(func.count() < FOUND).select_from(_SAMPLE).scalar_subquery()
_WITH_WORDS = Statement(
    union(
        select(_SAMPLE.c.product_id),
        _BY_NAME.where(_IS_TOO_FEW).limit(FOUND).subquery().select(),
        _BY_IMAGE.where(_IS_TOO_FEW).limit(IMAGES_OF_ALL).subquery().select(),
    ).limit(FOUND)
)
_PRODUCT: Any = bindparam("product_id", type_=BigInteger)
_HAS_WORDS = Statement(
    union(
        _BY_NAME.where(col(ProductRow.product_id) == _PRODUCT),
        _BY_IMAGE.where(col(ImageRow.product_id) == _PRODUCT),
    )
)
