"""Upload tickets: a signed URL allows some uploads without a token, and the ticket's row counts them.

The image's transaction decrements the row's counts, under a lock. So all replicas together make no more images than
allowed, and a failed upload uses nothing. A transaction that changes both locks the ticket first, then the gallery.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, Interval, bindparam, delete, func, literal, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import SQLModel, col, select

from image_service.database import batches
from image_service.database.database import Database
from image_service.database.direct import Row, Statement, Transaction
from image_service.errors import PictureRefused, Refusal, TicketEnd, TicketNotFound, TicketOver
from image_service.images import idempotency
from image_service.images.idempotency import Once
from image_service.images.models import UploadTicketRow
from image_service.stores.changes import changes

TRIES_PER_FILE = 10  # retries on a bad connection; the bound stops strangers from having garbage checked


@dataclass(frozen=True)
class Allowed:
    """What a ticket is made for."""

    product_id: int | None  # None: orphans
    position: int | None  # of the first file, the others follow; None: the end
    files: int
    bytes: int  # of all files together
    bytes_per_file: int
    origins: tuple[str, ...]  # of the pages that may use it


@dataclass(frozen=True)
class Ticket:
    id: UUID
    store_id: int
    allowed: Allowed
    files_left: int
    bytes_left: int
    created_at: datetime
    expires_at: datetime
    end: TicketEnd | None  # None: still valid


async def make(
    database: Database,
    store_id: int,
    token_id: int | None,
    allowed: Allowed,
    lifetime: timedelta,
    once: Once[Ticket] | None = None,
) -> Ticket:
    """Create a ticket. It expires after `lifetime`; removing its token deletes it.

    Raises `StoreNotFound` if token or store were removed meanwhile, `RepeatUnderWay`.
    """
    async with changes(database) as transaction:
        [row] = await transaction.rows(
            _INSERT,
            id=uuid4(),
            store_id=store_id,
            token_id=token_id,
            product_id=allowed.product_id,
            position=allowed.position,
            files=allowed.files,
            files_left=allowed.files,
            bytes=allowed.bytes,
            bytes_left=allowed.bytes,
            bytes_per_file=allowed.bytes_per_file,
            tries_left=allowed.files * TRIES_PER_FILE,
            origins=allowed.origins,
            lifetime=lifetime,
        )
        ticket = _ticket(row, is_expired=False)
        if once is not None:
            await idempotency.keep(transaction, once, ticket)
    return ticket


async def find(database: Database, id: UUID) -> Ticket | None:
    """None: it was withdrawn, or removed a day after its expiry."""
    statement = select(UploadTicketRow, col(UploadTicketRow.expires_at) <= func.now())
    async with database.statement() as session:
        found = (await session.exec(statement.where(UploadTicketRow.id == id))).first()
    return None if found is None else _ticket(found[0], is_expired=found[1])


async def of_store(database: Database, store_id: int, id: UUID) -> Ticket:
    """Raises `TicketNotFound`."""
    ticket = await find(database, id)
    if ticket is None or ticket.store_id != store_id:
        raise TicketNotFound
    return ticket


async def withdraw(database: Database, store_id: int, id: UUID) -> None:
    """Delete a ticket. Uploads that are under way fail too. Raises `TicketNotFound`."""
    mine = delete(UploadTicketRow).where(col(UploadTicketRow.id) == id, col(UploadTicketRow.store_id) == store_id)
    async with database.transaction() as session:
        if (await session.exec(mine.returning(col(UploadTicketRow.id)))).first() is None:
            raise TicketNotFound


async def count_try(database: Database, id: UUID) -> None:
    """Call it before reading a body. Raises `TicketOver` after too many tries, or if it was just withdrawn."""
    counted = (
        update(UploadTicketRow)
        .where(col(UploadTicketRow.id) == id, col(UploadTicketRow.tries_left) > 0)
        .values(tries_left=col(UploadTicketRow.tries_left) - 1)
        .returning(col(UploadTicketRow.id))
    )
    async with database.statement() as session:
        if (await session.exec(counted)).first() is None:
            raise TicketOver(TicketEnd.TRIED_OUT)


async def take(transaction: Transaction, id: UUID, size: int) -> int | None:
    """Count one file of `size` bytes, in the image's transaction; returns its position, None for the end.

    Does not check the expiry: an upload that began in time may take as long as any upload.
    Raises `TicketOver`; `PictureRefused` (`file`) if fewer bytes are left.
    """
    found = await transaction.rows(_LOCK, ticket=id)
    if not found:
        raise TicketOver(TicketEnd.WITHDRAWN)
    [row] = found
    if row.files_left == 0 or row.bytes_left == 0:
        raise TicketOver(TicketEnd.USED_UP)
    if row.bytes_left < size:
        raise PictureRefused("file", Refusal.TOO_HEAVY, limit=row.bytes_left)
    await transaction.rows(_TAKE, ticket=id, size=size)
    return None if row.position is None else row.position + row.files - row.files_left


async def forget(database: Database, *, dry_run: bool) -> int:
    """Remove tickets that expired a day ago: until then, repeats need them. Returns how many."""
    past = col(UploadTicketRow.expires_at) < func.now() - literal(idempotency.KEPT)
    return await batches.remove(database, UploadTicketRow, past, dry_run=dry_run)


def _ticket(row: UploadTicketRow | Row, *, is_expired: bool) -> Ticket:
    end = None
    if is_expired:
        end = TicketEnd.EXPIRED
    elif row.files_left == 0 or row.bytes_left == 0:
        end = TicketEnd.USED_UP
    elif row.tries_left == 0:
        end = TicketEnd.TRIED_OUT
    return Ticket(
        id=row.id,
        store_id=row.store_id,
        allowed=Allowed(
            product_id=row.product_id,
            position=row.position,
            files=row.files,
            bytes=row.bytes,
            bytes_per_file=row.bytes_per_file,
            origins=tuple(row.origins),
        ),
        files_left=row.files_left,
        bytes_left=row.bytes_left,
        created_at=row.created_at,
        expires_at=row.expires_at,
        end=end,
    )


_ITS_OWN = ("created_at", "expires_at")
_GIVEN = [each.name for each in SQLModel.metadata.tables["upload_tickets"].columns if each.name not in _ITS_OWN]
_BINDS: dict[str, Any] = {name: bindparam(name) for name in _GIVEN}
_INSERT = Statement(
    insert(UploadTicketRow)
    .values(_BINDS | {"expires_at": func.now() + bindparam("lifetime", type_=Interval)})
    .returning(UploadTicketRow)
)
_THIS = col(UploadTicketRow.id) == bindparam("ticket")
_LOCK = Statement(select(UploadTicketRow).where(_THIS).with_for_update())
_TAKE = Statement(
    update(UploadTicketRow)
    .where(_THIS)
    .values(
        files_left=col(UploadTicketRow.files_left) - 1,
        bytes_left=col(UploadTicketRow.bytes_left) - bindparam("size", type_=BigInteger),
    )
)
