"""Uploads under way while the sweep's clock is days ahead, and orphans that are past their time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
from sqlalchemy import func, literal, update
from sqlmodel import col, select

from image_service.images.models import ImageRow, TrashRow
from image_service.images.upkeep.sweep import NO_STORE
from image_service.images.upkeep.verify import OriginalState, verify
from image_service.storage.base import BlobHeaders
from image_service.storage.local import LocalStorage
from image_service.storage.names import key_of_original
from tests.conftest import NewDatabase, Service, StartService
from tests.images import blobs
from tests.images.blobs import OLD, YOUNG, age, names, sweep
from tests.shop import added, form, order, orphan

AHEAD = timedelta(days=2)
HOUR = 3600.0


class ClockJumps(LocalStorage):
    """Originals are two days old once they are stored, and a sweep runs before anybody can name them."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._root_of_files = root
        self.sweep: Callable[[], Awaitable[object]] | None = None

    async def put(self, name: str, source: Path, headers: BlobHeaders) -> None:
        await super().put(name, source, headers)
        if self.sweep is not None and key_of_original(name):
            age(self._root_of_files / name, AHEAD)
            await self.sweep()


async def test_an_upload_under_way_while_the_clock_jumps(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    storage = ClockJumps(tmp_path / "blobs")
    async with start_service(
        parts={"storage": storage}, database_url=await new_database(), data_dir=tmp_path
    ) as service:
        store = await service.new_store()

        async def swept() -> None:
            found = await sweep(service, force=True)
            assert (found.strays, found.trash) == (0, 0)  # its reservation says that it is under way

        async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            storage.sweep = swept
            image = await added(client)
            replaced = await client.put(f"/products/1234/images/{image['id']}", files=form())
            assert replaced.status_code == 200
            storage.sweep = None
            kept = await names(service)
            await blobs.age_trash(service, OLD)
            assert (await sweep(service, force=True)).trash == 1  # what was replaced
            assert len(kept - await names(service)) == 1
            assert [each.state async for each in verify(service.database, storage)] == [OriginalState.WHOLE]
            assert (await client.delete(f"/images/{image['id']}")).status_code == 200
            await blobs.age_trash(service, OLD)
            assert (await sweep(service)).trash == 1
            assert await names(service) == {blobs.INSTANCE}


async def test_what_the_version_before_took_for_a_stray_is_named_within_the_hour_alone(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    """Its sweep, of an upgrade's other half, knows of no reservations."""
    storage = ClockJumps(tmp_path / "blobs")
    async with start_service(
        parts={"storage": storage}, database_url=await new_database(), data_dir=tmp_path
    ) as service:
        store = await service.new_store()
        waited = timedelta()

        async def swept() -> None:
            async with service.database.transaction() as session:
                stored = {UUID(name[-32:]) for name in await names(service) if key_of_original(name)}
                named = (await session.exec(select(ImageRow.key))).all()
                [stray] = stored - set(named)
                session.add(TrashRow(key=stray, store_id=NO_STORE, slug=""))
            await blobs.age_trash(service, waited)

        async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            storage.sweep = swept
            assert (await client.post("/products/1234/images", files=form())).status_code == 201
            waited = timedelta(hours=2)
            assert (await client.post("/products/1234/images", files=form())).status_code == 503
            storage.sweep = None
            [image] = await order(client)
            await blobs.age_trash(service, OLD)
            await sweep(service)
            assert (await client.get(f"/images/{image}/original")).status_code == 200
            assert len(await names(service)) == 2


# --- orphans ---


async def grow_old(service: Service, image_id: int, by: timedelta) -> None:
    async with service.database.transaction() as session:
        then = func.now() - literal(by)
        await session.exec(update(ImageRow).where(col(ImageRow.id) == image_id).values(created_at=then))


async def test_orphans_go_after_their_time(
    start_service: StartService, empty: Service, shop: httpx.AsyncClient
) -> None:
    old, young, placed = await orphan(shop), await orphan(shop), (await added(shop))["id"]
    for image, by in ((old, OLD), (young, YOUNG), (placed, OLD)):
        await grow_old(empty, image, by)
    assert (await sweep(empty)).orphans == 0  # unset: for ever
    before = await shop.get("/products/1234/images")
    originals = await names(empty)
    settings = {"database_url": empty.settings.database_url, "data_dir": empty.settings.data_dir}
    async with start_service(orphan_ttl=24 * HOUR, **settings) as limited:
        assert (await sweep(limited, dry_run=True)).orphans == 1
        assert (await sweep(limited)).orphans == 1
        assert (await sweep(limited)).orphans == 0
    assert (await shop.get(f"/images/{old}")).status_code == 404
    assert [image["id"] for image in (await shop.get("/images?assigned=false")).json()] == [young]
    after = await shop.get("/products/1234/images")
    assert (after.content, after.headers["ETag"]) == (before.content, before.headers["ETag"])
    assert await names(empty) == originals  # the original goes by way of the trash
    await blobs.age_trash(empty, OLD)
    assert (await sweep(empty)).trash == 1


async def test_an_orphan_that_is_assigned_meanwhile_stays(
    start_service: StartService, empty: Service, shop: httpx.AsyncClient
) -> None:
    ids = [await orphan(shop) for _ in range(20)]
    for image in ids:
        await grow_old(empty, image, OLD)
    settings = {"database_url": empty.settings.database_url, "data_dir": empty.settings.data_dir}
    async with start_service(orphan_ttl=24 * HOUR, **settings) as limited:
        assigning = [shop.post("/products/1234/images", json={"image_id": image}) for image in ids]
        swept, answers = await asyncio.gather(sweep(limited), asyncio.gather(*assigning))
    assigned = {image for image, answer in zip(ids, answers, strict=True) if answer.status_code == 201}
    assert {answer.status_code for answer in answers} <= {201, 422}
    assert set(await order(shop)) == assigned
    assert swept.orphans == len(ids) - len(assigned)
