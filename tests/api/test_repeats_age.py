"""How long an `Idempotency-Key` is remembered: while its request is under way, and for a day after."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import func, literal, update
from sqlmodel import col, select
from structlog.testing import capture_logs

from image_service.errors import RepeatUnderWay
from image_service.images.idempotency import IdempotencyKeys, forget
from image_service.images.models import IdempotencyRow
from image_service.stores.registry import NewStore
from tests.api.repeated import HeldStorage, new_key, same
from tests.conftest import Service, StartService
from tests.processes import DEADLINE
from tests.shop import PRODUCT, form, order, png

IMAGES = f"/products/{PRODUCT}/images"


async def age_keys(service: Service, store_id: int, **ages: timedelta) -> None:
    """As if it had been claimed, or its lease had ended, so long ago."""
    async with service.database.transaction() as session:
        values = {name: func.now() - literal(age) for name, age in ages.items()}
        await session.exec(update(IdempotencyRow).where(col(IdempotencyRow.store_id) == store_id).values(values))


async def test_a_first_that_died_blocks_nobody(
    start_service: StartService, held: HeldStorage, client: httpx.AsyncClient, store: NewStore, service: Service
) -> None:
    """Nor does it wake up and add the image a second time: its bytes are taken away again."""
    key = new_key()
    async with start_service(parts={"storage": held}) as slow, slow.client(headers=client.headers) as dead:
        first = asyncio.create_task(dead.post(IMAGES, files=form(), headers=key))
        await held.arrived.wait()
        await age_keys(service, store.store_id, leased_until=timedelta(seconds=1))
        second = await client.post(IMAGES, files=form(), headers=key)
        assert second.status_code == 201
        held.may_store.set()
        assert (await first).status_code == 409
        assert len(held.stored) == 1
        assert await held.left() == []
    assert await order(client) == [second.json()["id"]]
    assert same([second, await client.post(IMAGES, files=form(), headers=key)])


async def test_a_first_that_takes_long_keeps_its_key(service: Service, store: NewStore) -> None:
    """For several times the lease: it is renewed."""
    keys = IdempotencyKeys(service.database, wait=1.5, lease=timedelta(seconds=0.5))
    async with keys.attempt(store.store_id, "key", b"the same"):
        with pytest.raises(RepeatUnderWay):
            async with keys.attempt(store.store_id, "key", b"the same"):
                pass


async def test_a_renewal_that_hangs_delays_no_answer(service: Service, store: NewStore) -> None:
    keys = IdempotencyKeys(service.database, wait=1, lease=timedelta(seconds=0.3))
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE idempotency_keys%'"
    async with AsyncExitStack() as ends:
        logged = ends.enter_context(capture_logs())
        locked = await ends.enter_async_context(service.database.transaction())
        async with asyncio.timeout(DEADLINE), keys.attempt(store.store_id, "key", b"the same"):
            await locked.exec(select(IdempotencyRow).where(col(IdempotencyRow.key) == "key").with_for_update())
            while not await service.database.raw(waiting):
                pass
    assert logged == []  # it was cancelled, long before its time-out


# --- after a day ---


async def test_a_key_is_free_after_a_day(client: httpx.AsyncClient, service: Service, store: NewStore) -> None:
    key = new_key()
    await client.post(IMAGES, files=form(), headers=key)
    await age_keys(service, store.store_id, created_at=timedelta(hours=23))
    assert (await client.post(IMAGES, files=form(png("blue")), headers=key)).status_code == 422
    await age_keys(service, store.store_id, created_at=timedelta(hours=25))
    again = [await client.post(IMAGES, files=form(png("blue")), headers=key) for _ in range(2)]
    assert again[0].status_code == 201
    assert same(again)
    assert len(await order(client)) == 2


async def test_old_keys_are_swept(client: httpx.AsyncClient, service: Service, store: NewStore) -> None:
    for _ in range(3):
        await client.post("/v2/images.json", files=form(), headers=new_key())
    await age_keys(service, store.store_id, created_at=timedelta(hours=25))
    kept = new_key()
    first = await client.post("/v2/images.json", files=form(), headers=kept)
    assert await forget(service.database, dry_run=True) == 3
    assert await forget(service.database, dry_run=False) == 3
    assert await forget(service.database, dry_run=False) == 0
    assert same([first, await client.post("/v2/images.json", files=form(), headers=kept)])


async def test_a_removed_stores_keys_go_with_it(client: httpx.AsyncClient, service: Service, store: NewStore) -> None:
    key = new_key()
    await client.post(IMAGES, files=form(), headers=key)
    await service.remove_store(store.store_id)
    again = await service.new_store(store_id=store.store_id)
    headers = {"Authorization": f"Bearer {again.token}", **key}
    assert (await client.post(IMAGES, files=form(png("blue")), headers=headers)).status_code == 201
