"""Ranges of a store's galleries, for cursor pagination."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Integer, any_, bindparam
from sqlmodel import col, select

from image_service.database.database import Database
from image_service.database.direct import Statement
from image_service.images.models import IMAGE_OF_GALLERY, GalleryRow, ImageRow
from image_service.images.queries import Gallery, Image, image_of


@dataclass(frozen=True)
class Stretch:
    items: tuple[tuple[int, Gallery], ...]  # by product id; none is empty
    has_more: bool  # past its end


async def stretch(
    database: Database,
    store_id: int,
    *,
    after: int,
    before: int | None,
    limit: int,
    max_images: int,
    ids: Sequence[int] | None = None,
) -> Stretch:
    """The non-empty galleries of the products after `after`, or the last of them before `before`; of `ids` alone, if
    given. At most `limit`, with at most `max_images` images in all, which must be at least one product's maximum.
    """
    where: dict[str, Any] = {"after": after}
    where |= ({} if before is None else {"before": before}) | ({} if ids is None else {"ids": list(ids)})
    statement = _STATEMENTS[before is not None, ids is not None]
    found = await database.rows(statement, store_id=store_id, products=limit + 1, images=max_images + 1, **where)
    read: dict[int, list[Image]] = {}
    for row in found:
        read.setdefault(row.product_id, []).append(image_of(row, row.revision))
    is_cut = len(found) > max_images and len(read) > 1  # perhaps in the middle of the last gallery
    items = [(product_id, Gallery(images[0].version, tuple(images))) for product_id, images in read.items()]
    kept = (items[:-1] if is_cut else items)[:limit]
    return Stretch(tuple(kept if before is None else reversed(kept)), len(kept) < len(items))


def _statement(beyond: ColumnElement[bool], order: ColumnElement[int]) -> Statement:
    mine = col(ImageRow.store_id) == bindparam("store_id")
    chosen = select(ImageRow.product_id).where(mine, col(ImageRow.position) == 1, beyond).order_by(order)
    chosen = chosen.limit(bindparam("products", type_=Integer))
    return Statement(
        select(ImageRow, GalleryRow.revision)
        .join(GalleryRow, IMAGE_OF_GALLERY)
        .where(mine, _PRODUCT.in_(chosen))
        .order_by(order, col(ImageRow.position))
        .limit(bindparam("images", type_=Integer))
    )


_PRODUCT: ColumnElement[int] = col(ImageRow.product_id)  # type: ignore[assignment]  # not null if position is not
_IS_AFTER: ColumnElement[bool] = bindparam("after", type_=BigInteger) < _PRODUCT
_IS_BEFORE: ColumnElement[bool] = bindparam("before", type_=BigInteger) > _PRODUCT
_IS_ASKED = any_(bindparam("ids", type_=ARRAY(BigInteger))) == _PRODUCT
_STATEMENTS = {  # by whether there is a `before`, and whether there are `ids`
    (False, False): _statement(_IS_AFTER, _PRODUCT.asc()),
    (False, True): _statement(_IS_AFTER & _IS_ASKED, _PRODUCT.asc()),
    (True, False): _statement(_IS_AFTER & _IS_BEFORE, _PRODUCT.desc()),
    (True, True): _statement(_IS_AFTER & _IS_BEFORE & _IS_ASKED, _PRODUCT.desc()),
}
