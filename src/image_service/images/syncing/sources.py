"""Stores the validators (ETag, Last-Modified) of pictures that were fetched from source URLs.

They have their own table: a host may change those of an unchanged picture, and that changes no image.
"""

from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, func
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlmodel import col, select

from image_service.database.database import Database
from image_service.database.direct import Row, Statement, Transaction
from image_service.images.models import ImageRow, SourceRow


class Validators(Protocol):
    @property
    def final_url(self) -> str: ...
    @property
    def etag(self) -> str | None: ...
    @property
    def modified(self) -> str | None: ...


async def keep(transaction: Transaction, image_id: int, key: UUID, validators: Validators) -> None:
    """Store the validators of the image's current bytes, `key`."""
    await transaction.rows(
        _KEEP,
        image_id=image_id,
        key=key,
        final_url=validators.final_url,
        etag=validators.etag,
        modified=validators.modified,
    )


async def keep_of_live(database: Database, image_id: int, key: UUID, validators: Validators) -> None:
    """The same in a transaction of its own, but does nothing if the image has other bytes by now or is gone.

    Locks one image only, so it cannot deadlock with a transaction that locks several.
    Raises `DatabaseUnavailable`.
    """
    values = {"final_url": validators.final_url, "etag": validators.etag, "modified": validators.modified}
    await database.execute(_KEEP_OF_LIVE, image_id=image_id, key=key, **values)


async def known(database: Database, image_ids: list[int]) -> dict[int, Row]:
    """By image id; without bytes that came another way, or before validators were stored."""
    found = await database.rows(_KNOWN, image_ids=image_ids)
    return {row.image_id: row for row in found}


def _or_update(row: Insert) -> Insert:
    return row.on_conflict_do_update(
        index_elements=["image_id"], set_={name: row.excluded[name] for name in _BINDS if name != "image_id"}
    )


_BINDS: dict[str, Any] = {name: bindparam(name) for name in ("image_id", "key", "final_url", "etag", "modified")}
_KEEP = Statement(_or_update(insert(SourceRow).values(_BINDS)))
_LIVE = (
    select(
        col(ImageRow.id),
        col(ImageRow.key),
        *(bindparam(name, type_=Text).label(name) for name in ("final_url", "etag", "modified")),
    )
    .where(col(ImageRow.id) == bindparam("image_id"), col(ImageRow.key) == bindparam("key"))
    .with_for_update(read=True, key_share=True)
)
_KEEP_OF_LIVE = Statement(_or_update(insert(SourceRow).from_select(list(_BINDS), _LIVE)))
_KNOWN = Statement(
    select(SourceRow.image_id, SourceRow.final_url, SourceRow.etag, SourceRow.modified)
    .join(ImageRow, (col(ImageRow.id) == col(SourceRow.image_id)) & (col(ImageRow.key) == col(SourceRow.key)))
    .where(col(SourceRow.image_id) == func.any(bindparam("image_ids", type_=ARRAY(BigInteger))))
)
