"""Product names and keys. One operation, one transaction, begun and committed here.

A change locks the gallery's row first, as every change of the gallery does, and increments its revision: so the ETag
of every response that shows the product changes too.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from asyncpg import UniqueViolationError
from sqlalchemy import ARRAY, BigInteger, Integer, any_, bindparam, exists, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from image_service.database.database import Database
from image_service.database.direct import Row, Statement, Transaction
from image_service.errors import Busy, ProductKeyTaken
from image_service.images import galleries, idempotency
from image_service.images.galleries import Expected
from image_service.images.idempotency import Once
from image_service.images.library import UNCHANGED, Unchanged
from image_service.images.models import PRODUCT_IDS, PRODUCT_OF_GALLERY, GalleryRow, ProductRow
from image_service.stores.changes import changes

MAX_KEY = 200  # characters
Name = str | dict[str, str] | None
"""A text, or a map of language to text."""

TRIES = 5  # per operation, if concurrent changes conflict
# Numbers drawn from the sequence in each try: a store may have used some for its own products.
DRAWN = (1, 100, 10_000)


@dataclass(frozen=True)
class Described:
    """A product as the merchant describes it. Without key and name it has no row."""

    id: int
    revision: int  # its gallery's; 0: never written
    key: str | None = None
    name: Name = None


def normalized(key: str) -> str:
    """The key in NFC, so that keys that look the same are equal."""
    return unicodedata.normalize("NFC", key)


async def find(database: Database, store_id: int, product_id: int) -> Described:
    """The product's key and name, if any."""
    found = await database.rows(_BY_ID, store_id=store_id, product_id=product_id)
    return _described(found[0]) if found else Described(product_id, 0)


async def names(database: Database, store_id: int, product_ids: Sequence[int]) -> dict[int, Name]:
    """Omits unnamed products."""
    found = await database.rows(_NAMES, store_id=store_id, product_ids=product_ids)
    return {row.product_id: row.name for row in found}


async def by_key(database: Database, store_id: int, key: str) -> Described | None:
    """The store's product that has this key, in any spelling of it."""
    found = await database.rows(_BY_KEY, store_id=store_id, key=normalized(key))
    return _described(found[0]) if found else None


async def describe(
    database: Database,
    store_id: int,
    product_id: int,
    *,
    key: str | Unchanged | None = UNCHANGED,
    name: Name | Unchanged = UNCHANGED,
    expected: Expected = None,
) -> Described:
    """Give a product a name or a key, or take them away (None). A call that changes nothing keeps the revision.

    Raises `ProductKeyTaken`, `PreconditionFailed`, `StoreNotFound`.
    """
    async with changes(database) as transaction:
        revision = await galleries.lock(transaction, store_id, product_id, expected)
        found = await transaction.rows(_BY_ID, store_id=store_id, product_id=product_id)
        before = replace(_described(found[0]), revision=revision - 1)
        after = replace(
            before,
            revision=revision,
            key=before.key if key is UNCHANGED else None if key is None else normalized(key),
            name=before.name if name is UNCHANGED else name,
        )
        if (after.key, after.name) == (before.key, before.name):
            transaction.void()
            return before
        await _keep(transaction, store_id, after)
    return after


async def find_or_make(
    database: Database,
    store_id: int,
    key: str,
    *,
    name: Name = None,
    once: Once[tuple[Described, bool]] | None = None,
) -> tuple[Described, bool]:
    """The store's product that has this key, and whether it was created now, with `name` and a new id. An existing
    product keeps its name.

    Concurrent calls create one product. Raises `RepeatUnderWay`, `StoreNotFound`.
    """
    key = normalized(key)
    for _ in range(TRIES):
        async with changes(database) as transaction:
            made = await _found_or_made(transaction, store_id, key, name)
            if made is None:
                transaction.void()
                continue
            if once is not None:
                await idempotency.keep(transaction, once, made)
            return made
    raise Busy("the key is being given and taken")


async def _found_or_made(
    transaction: Transaction, store_id: int, key: str, name: Name
) -> tuple[Described, bool] | None:
    """None: it was removed meanwhile; look again."""
    found = await transaction.rows(_BY_KEY, store_id=store_id, key=key)
    if found:
        return _described(found[0]), False
    product_id = await _free_number(transaction, store_id)
    # Waits for a concurrent transaction that creates it.
    if not await transaction.rows(_MAKE, store_id=store_id, product_id=product_id, key=key, name=name):
        found = await transaction.rows(_BY_KEY, store_id=store_id, key=key)
        return (_described(found[0]), False) if found else None
    revision = await galleries.lock(transaction, store_id, product_id, None)
    return Described(product_id, revision, key, name), True


async def _free_number(transaction: Transaction, store_id: int) -> int:
    """The next number of the sequence that the store has not used by itself. Raises `Busy`."""
    for count in DRAWN:
        found = await transaction.rows(_DRAW, store_id=store_id, count=count)
        if found:
            number: int = found[0].number
            return number
    raise Busy("the store has used the numbers that were drawn")


async def _keep(transaction: Transaction, store_id: int, product: Described) -> None:
    if product.key is None and product.name is None:
        await galleries.forget(transaction, store_id, product.id)
        return
    try:
        await transaction.rows(_PUT, store_id=store_id, product_id=product.id, key=product.key, name=product.name)
    except UniqueViolationError as error:
        raise ProductKeyTaken from error


def _described(row: Row) -> Described:
    return Described(row.product_id, row.revision, row.key, row.name)


_GIVEN: dict[str, Any] = {name: bindparam(name) for name in ("store_id", "product_id", "key", "name")}
_STORE, _PRODUCT, _KEY = _GIVEN["store_id"], _GIVEN["product_id"], _GIVEN["key"]
_COLUMNS = (col(GalleryRow.product_id), col(GalleryRow.revision), col(ProductRow.key), col(ProductRow.name))
_BY_ID = Statement(
    select(*_COLUMNS)
    .select_from(GalleryRow)
    .outerjoin(ProductRow, PRODUCT_OF_GALLERY)
    .where(col(GalleryRow.store_id) == _STORE, col(GalleryRow.product_id) == _PRODUCT)
)
_NAMES = Statement(
    select(col(ProductRow.product_id), col(ProductRow.name)).where(
        col(ProductRow.store_id) == _STORE,
        col(ProductRow.product_id) == any_(bindparam("product_ids", type_=ARRAY(BigInteger))),
        col(ProductRow.name).is_not(None),
    )
)
_BY_KEY = Statement(
    select(*_COLUMNS)
    .select_from(ProductRow)
    .join(GalleryRow, PRODUCT_OF_GALLERY)
    .where(col(ProductRow.store_id) == _STORE, col(ProductRow.key) == _KEY)
)
_DRAWN = (
    select(PRODUCT_IDS.next_value().label("number"))
    .select_from(func.generate_series(1, bindparam("count", type_=Integer)))
    .cte("drawn")
)
_DRAW = Statement(
    select(_DRAWN.c.number)
    .where(
        ~exists().where(col(GalleryRow.store_id) == _STORE, col(GalleryRow.product_id) == _DRAWN.c.number),
        ~exists().where(col(ProductRow.store_id) == _STORE, col(ProductRow.product_id) == _DRAWN.c.number),
    )
    .order_by(_DRAWN.c.number)
    .limit(1)
)
_INSERT = insert(ProductRow).values(_GIVEN)
_MAKE = Statement(
    _INSERT.on_conflict_do_nothing(constraint="products_one_per_key").returning(col(ProductRow.product_id))
)
_PUT = Statement(
    _INSERT.on_conflict_do_update(
        index_elements=["store_id", "product_id"], set_={name: _INSERT.excluded[name] for name in ("key", "name")}
    )
)
