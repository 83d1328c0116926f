"""Removes blobs and rows that are no longer needed, and nothing else."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, delete, exists, func, literal, true
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from image_service.database import batches
from image_service.database.database import Database
from image_service.errors import StorageFull
from image_service.images import idempotency, instance, upload_tickets
from image_service.images.library import Library
from image_service.images.models import ImageRow, ReservationRow, TrashRow
from image_service.images.upkeep import orphans
from image_service.storage.base import Storage
from image_service.storage.names import original_name, variant_names
from image_service.storage.staging import Staging

TRASH_KEPT = timedelta(hours=24)  # an online backup (pg_dump first, then the bytes) stays whole for a day
STRAY_AGE = timedelta(hours=24)  # an upload commits within an hour of its key's reservation and of its put
NO_STORE = 0  # the store of a stray in the trash: no store has this id
BATCH = 500

ForgetJobs = Callable[[Database, bool], Awaitable[dict[str, int]]]  # by their names in `Swept`; a dry run counts them


@dataclass(frozen=True)
class Found:
    """What an audit has removed, or would in a dry run."""

    strays: int = 0
    variants: int = 0


Audit = Callable[[datetime], Awaitable[Found]]  # strays are from before that time, by the blob store's clock


@dataclass(frozen=True)
class Swept:
    """How many of each were removed (or would be, in a dry run)."""

    staged: int  # files left by interrupted uploads, renders and writes
    trash: int  # originals of deleted or replaced images, and strays, past their day
    strays: int  # originals that no row names: put into the trash, for a day; 0 without an audit
    variants: int  # variants of no live image; 0 without an audit
    unused: int = 0  # reserved keys that no upload has used within the day: into the trash, bytes or not
    keys: int = 0  # answers kept for repeated requests, past their day
    orphans: int = 0  # images on no product, past their time: deleted as by their store
    tickets: int = 0  # upload tickets, a day past their end
    jobs: int = 0  # of stores, past their 30 days
    deliveries: int = 0  # to webhooks, past their 7 days


async def sweep(
    database: Database,
    storage: Storage,
    staging: Staging,
    library: Library,
    *,
    sizes: list[str],
    audit: Audit | None = None,
    since: datetime | None = None,
    orphan_ttl: timedelta | None = None,
    forget_jobs: ForgetJobs | None = None,
    dry_run: bool = False,
) -> Swept:
    """Remove what the database shows is not needed, after an `audit` for blobs it does not know.

    Removes variants of images deleted after `since` once more: the first time may have failed.
    Raises `InstanceMismatch`, and what the audit raises.
    """
    await instance.check(database, storage)
    oldest = await _now(storage) - STRAY_AGE
    found = await audit(oldest) if audit else Found()
    written = [blob.name async for blob in storage.list("tmp/") if blob.modified < oldest]
    if not dry_run:
        await _remove_again(database, storage, sizes, since)
        await _in_batches(written, storage.delete)
    swept = Swept(
        staged=len(written) + await staging.remove_stale(STRAY_AGE, dry_run=dry_run),
        trash=await _empty_trash(database, storage, sizes, dry_run=dry_run),
        strays=found.strays,
        unused=await _take_unused(database, dry_run=dry_run),
        variants=found.variants,
        keys=await idempotency.forget(database, dry_run=dry_run),
        orphans=await orphans.remove(database, library, orphan_ttl, dry_run=dry_run),
        tickets=await upload_tickets.forget(database, dry_run=dry_run),
        **(await forget_jobs(database, dry_run) if forget_jobs else {}),
    )
    if not dry_run:
        with suppress(StorageFull):  # nothing removed has made room: the next sweep writes them
            await instance.remember(database, storage, staging)
            await instance.leave_mark(database, storage, staging)
    return swept


async def _now(storage: Storage) -> datetime:
    """By the store's clock; by ours if the store is full, which a sweep is to mend."""
    try:
        return await storage.check()
    except StorageFull:
        return datetime.now(UTC)


async def _remove_again(database: Database, storage: Storage, sizes: list[str], since: datetime | None) -> None:
    """Remove variants, by name, of images put in the trash after `since`; None: of all in it."""
    last = UUID(int=0)
    recent = and_(col(TrashRow.store_id) != NO_STORE, true() if since is None else col(TrashRow.deleted_at) > since)
    while True:
        some = select(TrashRow).where(recent, col(TrashRow.key) > last).order_by(col(TrashRow.key)).limit(BATCH)
        async with database.statement() as session:
            rows = (await session.exec(some)).all()
        if not rows:
            return
        await _in_batches([name for row in rows for name in _variants_of(row, sizes)], storage.delete)
        last = rows[-1].key


def _variants_of(row: TrashRow, sizes: list[str]) -> list[str]:
    return [each.blob for each in variant_names(row.store_id, row.slug, row.key.hex, sizes)]


async def to_trash(database: Database, strays: list[UUID]) -> None:
    """Strays keep their blobs for a day: if a clock has jumped, one may belong to an upload under way."""
    for start in range(0, len(strays), BATCH):
        values = [{"key": key, "store_id": NO_STORE, "slug": ""} for key in strays[start : start + BATCH]]
        async with database.transaction() as session:
            await session.exec(insert(TrashRow).values(values).on_conflict_do_nothing())


async def _take_unused(database: Database, *, dry_run: bool) -> int:
    """Moves unused reservations to the trash, in one transaction: no upload can use these keys from then on, and bytes
    stored under them are deleted a day later.
    """
    past = col(ReservationRow.reserved_at) < func.now() - literal(STRAY_AGE)
    if dry_run:
        return await batches.count(database, ReservationRow, past)
    taken = 0
    while True:
        async with database.transaction() as session:
            free = select(ReservationRow.key).where(past).limit(BATCH).with_for_update(skip_locked=True)
            keys = (await session.exec(free)).all()
            if not keys:
                return taken
            await session.exec(delete(ReservationRow).where(col(ReservationRow.key).in_(keys)))
            values = [{"key": key, "store_id": NO_STORE, "slug": ""} for key in keys]
            await session.exec(insert(TrashRow).values(values).on_conflict_do_nothing())
        taken += len(keys)


async def _empty_trash(database: Database, storage: Storage, sizes: list[str], *, dry_run: bool) -> int:
    """Delete blobs first, then their trash rows: after a crash, the next run repeats it."""
    # Bytes of a live image are no trash, even with a row here: a stray may have got its image's row after all.
    live = exists().where(col(ImageRow.key) == col(TrashRow.key))
    past = and_(col(TrashRow.deleted_at) < func.now() - literal(TRASH_KEPT), ~live)
    if dry_run:
        return await batches.count(database, TrashRow, past)
    removed = 0
    while True:
        async with database.statement() as session:
            rows = (await session.exec(select(TrashRow).where(past).limit(BATCH))).all()
        if not rows:
            return removed
        names = [original_name(row.key.hex) for row in rows]
        names += [name for row in rows if row.store_id != NO_STORE for name in _variants_of(row, sizes)]
        await _in_batches(names, storage.delete)
        async with database.transaction() as session:
            await session.exec(delete(TrashRow).where(col(TrashRow.key).in_([row.key for row in rows])))
        removed += len(rows)


async def _in_batches(names: list[str], do: Callable[[list[str]], Awaitable[None]]) -> None:
    for start in range(0, len(names), BATCH):
        await do(names[start : start + BATCH])
