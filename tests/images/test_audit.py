"""A sweep lists nothing but what was being written; an audit lists everything, and comes first where it is needed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, func, literal, update
from sqlmodel import col, select

from image_service.images import instance
from image_service.images.models import ImageRow, InstanceRow, JobRow, ReservationRow
from image_service.images.upkeep import runs
from image_service.images.upkeep.audit import SweepRefused
from image_service.storage.base import BlobInfo
from image_service.storage.local import LocalStorage
from image_service.storage.names import MARK
from tests.conftest import NewDatabase, Service, StartService
from tests.images import blobs
from tests.images.blobs import OLD, age_reservations, file_of, names, put, put_stray, shown, staging_of
from tests.shop import added

WEEK = 604_800.0
Listed = list[str]


class Listing(LocalStorage):
    """Knows what was listed."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.listed: Listed = []

    async def list(self, prefix: str) -> AsyncIterator[BlobInfo]:
        self.listed.append(prefix)
        async for blob in super().list(prefix):
            yield blob

    async def folders(self, prefix: str) -> Sequence[str]:
        self.listed.append(prefix)
        return await super().folders(prefix)


Start = Callable[..., Any]
ALL = {"private/", "public/stores/", "tmp/"}


@pytest.fixture
def start(start_service: StartService, tmp_path: Path) -> Start:
    @asynccontextmanager
    async def started(url: str, **settings: Any) -> AsyncIterator[tuple[Service, httpx.AsyncClient]]:
        storage = Listing(tmp_path / "blobs")
        options = {"parts": {"storage": storage}, "database_url": url, "data_dir": tmp_path, **settings}
        async with start_service(**options) as service:
            store = await service.new_store()
            async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
                yield service, client

    return started


async def listed_by(service: Service, **options: Any) -> set[str]:
    """What a sweep lists that decides for itself."""
    assert isinstance(service.storage, Listing)
    service.storage.listed.clear()
    await blobs.sweep(service, audit=False, **options)
    return set(service.storage.listed)


async def last_ran(service: Service, job: str, ago: timedelta) -> None:
    then = func.now() - literal(ago)
    async with service.database.transaction() as session:
        await session.exec(update(JobRow).where(col(JobRow.job) == job).values(last_run=then, last_success=then))


async def test_the_first_sweep_is_an_audit_and_the_next_lists_nothing(start: Start, new_database: NewDatabase) -> None:
    async with start(await new_database()) as (service, client):
        await added(client)
        assert await listed_by(service, dry_run=True) == ALL
        assert await listed_by(service) == ALL
        for _ in range(2):
            await added(client)
            assert await listed_by(service) == {"tmp/"}
        assert await listed_by(service, dry_run=True) == {"tmp/"}


async def test_without_a_list_what_the_database_knows_of_goes(start: Start, new_database: NewDatabase) -> None:
    async with start(await new_database()) as (service, client):
        kept, deleted = await shown(client), await shown(client)
        await blobs.sweep(service)
        await client.delete(f"/images/{deleted[0]}")
        await put(service, deleted[2], OLD)  # as where it could not be removed when its image was deleted
        unknown = await put_stray(service, OLD)
        assert await listed_by(service) == {"tmp/"}
        assert await names(service) == {blobs.INSTANCE, *kept[1:], deleted[1], unknown}  # its variant went at once
        await blobs.age_trash(service, OLD)
        await age_reservations(service, OLD)
        assert await listed_by(service) == {"tmp/"}
        assert await names(service) == {blobs.INSTANCE, *kept[1:], unknown}
        with pytest.raises(SweepRefused):
            await blobs.sweep(service)  # one of two: an audit finds it


async def test_now_and_then_it_is_an_audit(start: Start, new_database: NewDatabase) -> None:
    """For what the version before has left, which reserves no keys."""
    async with start(await new_database(), audit_interval=WEEK) as (service, client):
        await asyncio.gather(*(added(client) for _ in range(20)))
        await blobs.sweep(service)
        await put_stray(service, OLD)
        await last_ran(service, runs.AUDIT, timedelta(seconds=WEEK - 3600))
        assert await listed_by(service) == {"tmp/"}
        await last_ran(service, runs.AUDIT, timedelta(seconds=WEEK + 3600))
        assert await listed_by(service) == ALL
        result = (await runs.results(service.database))[runs.AUDIT]
        assert (result.failed, result.counts) == (False, {"strays": 1, "variants": 0})
        assert await listed_by(service) == {"tmp/"}


async def test_one_that_was_refused_is_asked_for_again(start: Start, new_database: NewDatabase) -> None:
    async with start(await new_database()) as (service, client):
        await added(client)
        await blobs.sweep(service)
        await put_stray(service, OLD)
        with pytest.raises(SweepRefused):
            await blobs.sweep(service)
        with pytest.raises(SweepRefused):
            await listed_by(service)
        assert await listed_by(service, force=True) == ALL
        assert await listed_by(service) == {"tmp/"}


async def test_after_days_without_a_sweep(start: Start, new_database: NewDatabase) -> None:
    """A database that was restored meanwhile has the same mark as its blob store."""
    async with start(await new_database(), audit_interval=0) as (service, _):
        await blobs.sweep(service)
        await last_ran(service, runs.SWEEP, timedelta(hours=47))
        assert await listed_by(service) == {"tmp/"}
        await last_ran(service, runs.SWEEP, timedelta(hours=49))
        assert await listed_by(service) == ALL


# --- restored ---


async def test_a_database_that_was_restored_is_audited_first(start: Start, new_database: NewDatabase) -> None:
    """It has reservations under which the lost one had images: those count as strays, before anything is removed."""
    async with start(await new_database()) as (service, client):
        await asyncio.gather(*(added(client) for _ in range(2)))
        await blobs.sweep(service)
        async with service.database.statement() as session:
            dumped = (await session.exec(select(InstanceRow))).one()
        lost = [await added(client) for _ in range(3)]
        await blobs.sweep(service)
        await blobs.sweep(service)
        async with service.database.transaction() as session:
            gone = col(ImageRow.id).in_([image["id"] for image in lost])
            keys = (await session.exec(select(ImageRow.key).where(gone))).all()
            session.add_all([ReservationRow(key=key) for key in keys])
            await session.exec(delete(ImageRow).where(gone))
            await session.exec(update(InstanceRow).values(mark=dumped.mark, next_mark=dumped.next_mark))
        await age_reservations(service, OLD)
        for name in await names(service):
            blobs.age(file_of(service, name), OLD)
        everything = await names(service)
        with pytest.raises(SweepRefused, match="3 of 5 originals"):
            await listed_by(service)
        assert await names(service) == everything
        assert await blobs.trash_count(service) == 0
        assert await listed_by(service, force=True) == ALL
        assert await blobs.trash_count(service) >= 3
        assert await listed_by(service) == {"tmp/"}


async def test_bytes_that_were_restored_are_audited_first(start: Start, new_database: NewDatabase) -> None:
    async with start(await new_database()) as (service, client):
        await added(client)
        await blobs.sweep(service)
        old = file_of(service, MARK).read_bytes()
        await blobs.sweep(service)
        await blobs.sweep(service)
        file_of(service, MARK).write_bytes(old)
        assert await listed_by(service) == ALL
        for damaged in (b"", b"nonsense \xff"):
            file_of(service, MARK).write_bytes(damaged)
            assert await listed_by(service) == ALL
        file_of(service, MARK).unlink()
        assert await listed_by(service) == ALL
        assert await listed_by(service) == {"tmp/"}


async def test_a_mark_that_was_cut_short_is_no_restore(start: Start, new_database: NewDatabase) -> None:
    """The database has the new one, the blob store still the old one; then again."""
    async with start(await new_database()) as (service, _):
        await blobs.sweep(service)
        for _ in range(2):
            before = file_of(service, MARK).read_bytes()
            await instance.leave_mark(service.database, service.storage, staging_of(service))
            file_of(service, MARK).write_bytes(before)
            assert (await instance.is_as_left(service.database, service.storage))[1]
        assert await listed_by(service) == {"tmp/"}
