"""Removes the bytes, and the kept answers, that nobody needs any more, and nothing else."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, delete, exists, func, literal, true, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from image_service.database.database import Database
from image_service.errors import ImageServiceError
from image_service.images import idempotency, instance, upload_tickets
from image_service.images.library import Library
from image_service.images.models import ImageRow, ReservationRow, TrashRow
from image_service.images.upkeep import orphans
from image_service.storage.base import BlobInfo, Storage
from image_service.storage.names import VariantName, key_of_original, original_name, variant_names
from image_service.storage.staging import Staging

TRASH_KEPT = timedelta(hours=24)  # an online backup (pg_dump first, then the bytes) stays whole for a day
STRAY_AGE = timedelta(hours=24)  # an upload commits within an hour of its key's reservation and of its put
NOBODY = 0  # the store of a stray in the trash: no store has this id
MAX_STRAY_SHARE = 0.05  # of the originals: more than that is a wrong database, not left-overs
BATCH = 500

Keyed = list[tuple[UUID, BlobInfo]]
ForgetJobs = Callable[[Database, bool], Awaitable[dict[str, int]]]  # by their names in `Swept`; a dry run counts them


class SweepRefused(ImageServiceError):
    """So many originals without a row that something else must be wrong."""


@dataclass(frozen=True)
class Swept:
    """How many of each were removed (or would be, in a dry run)."""

    staged: int  # what uploads, renders and writes that were cut short have left
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
    audit: bool,
    since: datetime | None = None,
    orphan_ttl: timedelta | None = None,
    forget_jobs: ForgetJobs | None = None,
    dry_run: bool = False,
    force: bool = False,
) -> Swept:
    """What the database knows to be needless; an `audit` lists all blobs first, for what it does not know of.

    The variants of images that were deleted after `since` are removed once more: then it may have failed.
    Raises `InstanceMismatch`; an audit `SweepRefused` beyond 5 % of the originals unless `force`.
    """
    await instance.check(database, storage)
    oldest = await storage.check() - STRAY_AGE
    strays = await _strays(database, storage, oldest, force=force) if audit else []
    variants = await _remove_variants(database, storage, dry_run=dry_run) if audit else 0
    if not audit and not dry_run:
        await _remove_again(database, storage, sizes, since)
    written = [blob.name async for blob in storage.list("tmp/") if blob.modified < oldest]
    if not dry_run:
        await _to_trash(database, strays)
        await _in_batches(written, storage.delete)
        await instance.remember(database, storage, staging)
    swept = Swept(
        staged=len(written) + await staging.remove_stale(STRAY_AGE, dry_run=dry_run),
        trash=await _empty_trash(database, storage, sizes, dry_run=dry_run),
        strays=len(strays),
        unused=await _take_unused(database, dry_run=dry_run),
        variants=variants,
        keys=await idempotency.forget(database, dry_run=dry_run),
        orphans=await orphans.remove(database, library, orphan_ttl, dry_run=dry_run),
        tickets=await upload_tickets.forget(database, dry_run=dry_run),
        **(await forget_jobs(database, dry_run) if forget_jobs else {}),
    )
    if not dry_run:
        await instance.leave_mark(database, storage, staging)
    return swept


async def _remove_variants(database: Database, storage: Storage, *, dry_run: bool) -> int:
    """Those of no live image, of any age: only an image that has its row is rendered, and a key that has lost it never
    gets it back.
    """
    variants = 0
    async for batch in _batches(storage, "public/", _key_of_variant):
        live = await _live(database, batch)
        dead = [blob.name for key, blob in batch if key not in live]
        variants += len(dead)
        if not dry_run:
            await storage.delete(dead)
    return variants


async def _remove_again(database: Database, storage: Storage, sizes: list[str], since: datetime | None) -> None:
    """The variants of what came into the trash after `since`, by their names; None: of all of it."""
    last = UUID(int=0)
    recent = and_(col(TrashRow.store_id) != NOBODY, true() if since is None else col(TrashRow.deleted_at) > since)
    while True:
        some = select(TrashRow).where(recent, col(TrashRow.key) > last).order_by(col(TrashRow.key)).limit(BATCH)
        async with database.reading() as session:
            rows = (await session.exec(some)).all()
        if not rows:
            return
        await _in_batches([name for row in rows for name in _variants_of(row, sizes)], storage.delete)
        last = rows[-1].key


def _variants_of(row: TrashRow, sizes: list[str]) -> list[str]:
    return [each.blob for each in variant_names(row.store_id, row.slug, row.key.hex, sizes)]


async def _strays(database: Database, storage: Storage, oldest: datetime, *, force: bool) -> list[UUID]:
    """Those not yet in the trash. Raises `SweepRefused`, which counts those that are: they add up over a day."""
    originals, waiting, strays = 0, 0, list[UUID]()
    async for batch in _batches(storage, "private/", key_of_original):
        originals += len(batch)
        aged = [(key, blob) for key, blob in batch if blob.modified < oldest]
        named, trashed = await _named(database, aged), await _trashed(database, aged)
        waiting += sum(store == NOBODY for store in trashed.values())
        strays += [key for key, _ in aged if key not in named and key not in trashed]
    if strays and waiting + len(strays) > originals * MAX_STRAY_SHARE and not force:
        raise SweepRefused(f"{waiting + len(strays)} of {originals} originals have no row; --force removes them")
    return strays


async def _to_trash(database: Database, strays: list[UUID]) -> None:
    """They keep their bytes for a day: by a clock that has jumped, one may be of an upload that is under way."""
    for start in range(0, len(strays), BATCH):
        values = [{"key": key, "store_id": NOBODY, "slug": ""} for key in strays[start : start + BATCH]]
        async with database.transaction() as session:
            await session.exec(insert(TrashRow).values(values).on_conflict_do_nothing())


async def _take_unused(database: Database, *, dry_run: bool) -> int:
    """From a key's reservation to the trash, in one transaction: no upload can use it from then on, and whatever is
    stored under it goes a day later.
    """
    past = col(ReservationRow.reserved_at) < func.now() - literal(STRAY_AGE)
    if dry_run:
        async with database.reading() as session:
            return (await session.exec(select(func.count()).select_from(ReservationRow).where(past))).one()
    taken = 0
    while True:
        async with database.transaction() as session:
            free = select(ReservationRow.key).where(past).limit(BATCH).with_for_update(skip_locked=True)
            keys = (await session.exec(free)).all()
            if not keys:
                return taken
            await session.exec(delete(ReservationRow).where(col(ReservationRow.key).in_(keys)))
            values = [{"key": key, "store_id": NOBODY, "slug": ""} for key in keys]
            await session.exec(insert(TrashRow).values(values).on_conflict_do_nothing())
        taken += len(keys)


async def _batches(storage: Storage, prefix: str, key_of: Callable[[str], str | None]) -> AsyncIterator[Keyed]:
    """The blobs that have a key, some at a time."""
    batch: Keyed = []
    async for blob in storage.list(prefix):
        if key := key_of(blob.name):
            batch.append((UUID(key), blob))
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


async def _live(database: Database, batch: Keyed) -> set[UUID]:
    """The keys that an image has."""
    async with database.reading() as session:
        return set(await session.exec(select(ImageRow.key).where(col(ImageRow.key).in_({key for key, _ in batch}))))


async def _named(database: Database, batch: Keyed) -> set[UUID]:
    """The keys that an image has, or an upload under way may get: in one snapshot, as it goes from one to the other.

    A reservation that is a day old names nothing: in a restored database it may be of an image that it has lost.
    """
    keys = {key for key, _ in batch}
    of_images = select(ImageRow.key).where(col(ImageRow.key).in_(keys))
    young = col(ReservationRow.reserved_at) >= func.now() - literal(STRAY_AGE)
    reserved = select(ReservationRow.key).where(col(ReservationRow.key).in_(keys), young)
    both = union_all(of_images, reserved).subquery()
    async with database.reading() as session:
        return set(await session.exec(select(both.c.key)))


async def _trashed(database: Database, batch: Keyed) -> dict[UUID, int]:
    """The keys that are in the trash, and whose."""
    statement = select(TrashRow.key, TrashRow.store_id).where(col(TrashRow.key).in_({key for key, _ in batch}))
    async with database.reading() as session:
        return dict((await session.exec(statement)).all())


async def _empty_trash(database: Database, storage: Storage, sizes: list[str], *, dry_run: bool) -> int:
    """Bytes first, then the rows that remember them: what a crash interrupts is done again."""
    # What an image has is no trash, whatever else may be written there: such as a stray that has got its row after all.
    live = exists().where(col(ImageRow.key) == col(TrashRow.key))
    past = and_(col(TrashRow.deleted_at) < func.now() - literal(TRASH_KEPT), ~live)
    if dry_run:
        async with database.reading() as session:
            return (await session.exec(select(func.count()).select_from(TrashRow).where(past))).one()
    removed = 0
    while True:
        async with database.reading() as session:
            rows = (await session.exec(select(TrashRow).where(past).limit(BATCH))).all()
        if not rows:
            return removed
        names = [original_name(row.key.hex) for row in rows]
        names += [name for row in rows if row.store_id != NOBODY for name in _variants_of(row, sizes)]
        await _in_batches(names, storage.delete)
        async with database.transaction() as session:
            await session.exec(delete(TrashRow).where(col(TrashRow.key).in_([row.key for row in rows])))
        removed += len(rows)


async def _in_batches(names: list[str], do: Callable[[list[str]], Awaitable[None]]) -> None:
    for start in range(0, len(names), BATCH):
        await do(names[start : start + BATCH])


def _key_of_variant(name: str) -> str | None:
    variant = VariantName.parse(name.removeprefix("public/"))
    return variant.key if variant else None
