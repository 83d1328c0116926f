"""A store is removed in batches, and a removal that breaks off can be repeated."""

from dataclasses import replace

import httpx
import pytest

from image_service.database.database import Database
from image_service.errors import DatabaseUnavailable, StoreNotFound
from image_service.stores.registry import NewStore
from tests.conftest import Service
from tests.databases import connected
from tests.shop import added, form, orphan, png

GALLERIES = (1, 2, 3)
PATIENCE = 2.0  # seconds for a statement: all but the one that waits need milliseconds


async def filled(client: httpx.AsyncClient) -> None:
    for product in GALLERIES:
        for colour in ("red", "blue"):
            assert (await client.post(f"/products/{product}/images", files=form(png(colour)))).is_success
    for _ in range(3):
        await orphan(client)
    assert (await client.put("/products/4", json={"name": "no pictures"})).is_success


async def test_in_batches(service: Service, store: NewStore, client: httpx.AsyncClient) -> None:
    await filled(client)
    tag = (await client.get("/products/4/gallery")).headers["ETag"]
    assert await service.remove_store(store.store_id, batch=1) == 9
    again = await service.new_store(store_id=store.store_id)
    async with service.client(headers={"Authorization": f"Bearer {again.token}"}) as anew:
        assert (await anew.get("/images")).json() == []
        assert (await anew.get("/products")).json() == []
        # No revision is used twice.
        assert (await anew.get("/products/4/gallery")).headers["ETag"] != tag


async def test_broken_off(service: Service, store: NewStore, client: httpx.AsyncClient, database_url: str) -> None:
    """Nobody can write from the first step on, and each gallery is there whole or not at all."""
    await filled(client)
    impatient = replace(service, database=Database(database_url, 2, seconds=PATIENCE))
    async with connected(database_url) as other, other.transaction():
        locked = (store.store_id, GALLERIES[-1])
        await other.execute("SELECT FROM galleries WHERE store_id = $1 AND product_id = $2 FOR UPDATE", *locked)
        with pytest.raises(DatabaseUnavailable, match="no answer in time"):
            await impatient.remove_store(store.store_id, batch=1)
    await impatient.database.close()
    assert (await client.post("/products/1/images", files=form())).status_code == 401
    left = "SELECT product_id, count(*) AS images FROM images WHERE store_id = $1 GROUP BY product_id ORDER BY 1"
    rows = await service.database.raw(left, store.store_id)
    assert [tuple(row) for row in rows] == [(GALLERIES[-1], 2), (None, 3)]
    assert await service.remove_store(store.store_id) == 5
    with pytest.raises(StoreNotFound):
        await service.remove_store(store.store_id)


async def test_leaves_other_stores_alone(service: Service, store: NewStore, client: httpx.AsyncClient) -> None:
    kept = await added(client)
    other = await service.new_store()
    async with service.client(headers={"Authorization": f"Bearer {other.token}"}) as theirs:
        await filled(theirs)
    await service.remove_store(other.store_id, batch=2)
    assert [image["id"] for image in (await client.get("/images")).json()] == [kept["id"]]
