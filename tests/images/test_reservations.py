"""Every key is reserved before bytes are stored under it, and an upload's transaction takes its own reservation."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from image_service.errors import DatabaseUnavailable
from image_service.images.blobs import Blobs
from image_service.images.keys.reservations import BATCH, FRESH_FOR, Reservations
from image_service.pixels.picture import Format, Picture
from image_service.storage.base import BlobHeaders
from image_service.storage.local import LocalStorage
from image_service.storage.names import key_of_original
from tests.conftest import NewDatabase, Service, StartService
from tests.images import blobs
from tests.images.blobs import INSTANCE, OLD, YOUNG, age_reservations, names, reserved, sweep
from tests.shop import added, form, order, png

IMAGES = "/products/1234/images"


class Between(LocalStorage):
    """Something happens once an original is stored, before its row is written."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def put(self, name: str, source: Path, headers: BlobHeaders) -> None:
        await super().put(name, source, headers)
        if self.meanwhile is not None and key_of_original(name):
            await self.meanwhile()


def picture(folder: Path) -> Picture:
    path = folder / "picture"
    path.write_bytes(png())
    return Picture(path, path.stat().st_size, "00" * 32, Format.PNG, 8, 6, 1, "AAAA")


@pytest.fixture
async def bare(start_service: StartService, new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Service]:
    """A service whose process has reserved nothing yet."""
    async with start_service(database_url=await new_database(), data_dir=tmp_path / "bare") as service:
        yield service


async def keys_of(service: Service) -> set[str]:
    return {key for name in await names(service) if (key := key_of_original(name))}


async def test_uploads_and_replacements_take_one_each(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    async with start_service(database_url=await new_database(), data_dir=tmp_path) as service:
        store = await service.new_store()
        async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            images = [await added(client) for _ in range(3)]
            assert len(await reserved(service)) == BATCH - 3
            assert (await client.put(f"{IMAGES}/{images[0]['id']}", files=form(png("blue")))).status_code == 200
            left = await reserved(service)
            assert len(left) == BATCH - 4
            assert (await client.put(f"{IMAGES}/{images[0]['id']}", json={"position": 3})).status_code == 200
            assert (await client.delete(f"{IMAGES}/{images[1]['id']}")).status_code == 200
            assert await reserved(service) == left
            assert len(await keys_of(service)) == 4
            assert left.isdisjoint(await keys_of(service))


async def test_what_a_process_has_not_used_is_given_back_at_its_end(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    url = await new_database()
    async with start_service(database_url=url, data_dir=tmp_path / "one") as service:
        async with start_service(database_url=url, data_dir=tmp_path / "one") as replica:
            store = await service.new_store()
            async with replica.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
                await added(client)
            assert len(await reserved(service)) == BATCH - 1
        assert await reserved(service) == set()


async def test_two_processes_never_have_the_same(bare: Service) -> None:
    first, second = Reservations(bare.database), Reservations(bare.database)
    taken = await asyncio.gather(*(each.take() for _ in range(BATCH + 1) for each in (first, second)))
    assert len(set(taken)) == 2 * (BATCH + 1)
    there = await reserved(bare)
    assert len(there) == 4 * BATCH
    assert there.issuperset(taken)  # which only their own transactions delete


async def test_an_hour_later_they_are_exchanged_for_new_ones(bare: Service) -> None:
    now = 0.0
    keys = Reservations(bare.database, clock=lambda: now)
    used = await keys.take()
    before = await reserved(bare)
    now = FRESH_FOR.total_seconds() - 1
    assert await keys.take() in before
    now += 1
    after = await keys.take()
    assert after not in before
    there = await reserved(bare)
    assert len(there) == BATCH + 2  # those of the uploads under way stay
    assert {used, after} <= there


async def test_nothing_is_stored_while_no_key_can_be_reserved(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    """The database says so before the bytes are written."""
    async with start_service(database_url=await new_database(), data_dir=tmp_path) as service:
        other = Blobs(service.database, service.storage, service.settings.sizes)
        await service.database.close()
        with pytest.raises(DatabaseUnavailable):
            async with other.stored(picture(tmp_path)):
                pass
        assert await names(service) == {INSTANCE}


# --- what is left of an upload that came to nothing ---


async def test_bytes_without_a_row_go_by_their_reservation(bare: Service, tmp_path: Path) -> None:
    """As of an upload that was killed between its bytes and its row, or whose commit was not heard of."""
    with pytest.raises(DatabaseUnavailable):
        async with Blobs(bare.database, bare.storage, bare.settings.sizes).stored(picture(tmp_path)):
            raise DatabaseUnavailable("just before the commit")
    [key] = await keys_of(bare)
    assert key in await reserved(bare)
    await age_reservations(bare, YOUNG)
    assert (await sweep(bare)).unused == 0
    await age_reservations(bare, OLD)
    assert (await sweep(bare, dry_run=True)).unused == BATCH
    assert key in await reserved(bare)
    assert (await sweep(bare)).unused == BATCH
    assert await reserved(bare) == set()
    assert await keys_of(bare) == {key}  # for a day more
    assert (await sweep(bare)).unused == 0
    await blobs.age_trash(bare, OLD)
    assert (await sweep(bare)).trash == BATCH
    assert await names(bare) == {INSTANCE}


async def test_a_refused_upload_leaves_neither_bytes_nor_a_reservation(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    url = await new_database()
    async with start_service(database_url=url, data_dir=tmp_path, max_images_per_product=1) as service:
        store = await service.new_store()
        async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            await added(client)
            for _ in range(3):
                assert (await client.post(IMAGES, files=form())).status_code == 422
        assert len(await keys_of(service)) == 1
        assert len(await reserved(service)) == BATCH - 1  # with the next batch
    async with start_service(database_url=url, data_dir=tmp_path) as service:
        assert await reserved(service) == set()


# --- the sweep and an upload at once ---


@pytest.mark.parametrize("is_replacement", [False, True], ids=["upload", "replacement"])
async def test_an_upload_whose_reservation_was_taken_is_refused(
    is_replacement: bool, start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    """Its machine stood still for a day, between bytes and row."""
    storage = Between(tmp_path / "blobs")
    async with start_service(
        parts={"storage": storage}, database_url=await new_database(), data_dir=tmp_path
    ) as service:
        store = await service.new_store()
        async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            image = await added(client)
            kept = await names(service)

            async def a_day_passes() -> None:
                storage.meanwhile = None
                await age_reservations(service, OLD)
                assert (await sweep(service)).unused == BATCH - 1

            storage.meanwhile = a_day_passes
            method, path = ("PUT", f"{IMAGES}/{image['id']}") if is_replacement else ("POST", IMAGES)
            refused = await client.request(method, path, files=form(png("blue")))
            assert refused.status_code == 503
            assert await names(service) == kept
            # Those that it had reserved beside are not tried one after the other.
            assert (await client.request(method, path, files=form(png("blue")))).status_code in {200, 201}
            assert len(await order(client)) == 2 - is_replacement
            await blobs.age_trash(service, OLD)
            await sweep(service)
            assert len(await keys_of(service)) == 2 - is_replacement


async def test_a_row_that_is_being_written_keeps_the_sweep_away(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    """Uploads whose reservations are a day old already, against sweeps: each key ends in an image or in the trash."""
    async with start_service(database_url=await new_database(), data_dir=tmp_path) as service:
        store = await service.new_store()
        async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            await added(client)

            async def sweeps() -> None:
                for _ in range(8):
                    await age_reservations(service, OLD)
                    await sweep(service, force=True)

            uploads = [client.post(IMAGES, files=form()) for _ in range(20)]
            answers, _ = await asyncio.gather(asyncio.gather(*uploads), sweeps())
            statuses = [answer.status_code for answer in answers]
            assert set(statuses) <= {201, 503}
            made = statuses.count(201) + 1
            assert len(await order(client)) == made
            await age_reservations(service, OLD)
            await sweep(service, force=True)
            await blobs.age_trash(service, OLD)
            await sweep(service, force=True)
            assert len(await keys_of(service)) == made
            assert (await client.get(f"{IMAGES}?per_page=200")).status_code == 200


async def test_other_errors_leave_what_the_sweep_will_find(
    shop: httpx.AsyncClient, empty: Service, tmp_path: Path
) -> None:
    """A client that goes away, a bug: nothing is known of the bytes, and nothing is decided."""
    assert shop
    with pytest.raises(asyncio.CancelledError):
        async with Blobs(empty.database, empty.storage, empty.settings.sizes).stored(picture(tmp_path)):
            raise asyncio.CancelledError
    [key] = await keys_of(empty)
    assert key in await reserved(empty)
