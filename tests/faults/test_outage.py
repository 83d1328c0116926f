"""Pictures while the database cannot be reached: what is kept is served, and nothing is kept that may be gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from image_service.postgres.embedded import EmbeddedPostgres
from tests.api.watched import WatchedStorage
from tests.conftest import NewDatabase, StartService
from tests.shop import added, path


@asynccontextmanager
async def outage(postgres: EmbeddedPostgres, url: str) -> AsyncIterator[None]:
    """Of this one database: it ends all connections and takes no new ones."""
    name = make_url(url).database
    engine = create_async_engine(postgres.url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false"))
        await connection.execute(
            text("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name"), {"name": name}
        )
        yield
        await connection.execute(text(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true"))
    await engine.dispose()


class Shop(NamedTuple):
    """A store of a service on a database of its own."""

    client: httpx.AsyncClient
    storage: WatchedStorage
    url: str  # of the database


@pytest.fixture
async def shop(start_service: StartService, new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Shop]:
    url = await new_database()
    storage = WatchedStorage(tmp_path / "blobs")
    async with start_service(database_url=url, data_dir=tmp_path, parts={"storage": storage}) as service:
        store = await service.new_store()
        async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            yield Shop(client, storage, url)


async def test_what_is_rendered_is_served_and_the_rest_waits(
    shop: Shop, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    client, storage = shop.client, shop.storage
    warm, rendering, cold = [path((await added(client))["src"]) for _ in range(3)]
    browser = {"Accept": "image/webp"}
    for headers in (browser, {}):
        assert (await client.get(warm, headers=headers)).status_code == 200
    storage.may_write.clear()
    asked = asyncio.create_task(client.get(rendering))
    await storage.arrived.wait()

    async with outage(postgres, shop.url):
        # It was rendered, but is not stored: without the database, the image may have been deleted.
        storage.may_write.set()
        answer = await asked
        assert (answer.status_code, answer.headers["Cache-Control"]) == (503, "no-store")
        assert int(answer.headers["Retry-After"]) > 0
        assert not (tmp_path / "blobs/public" / rendering[1:]).exists()
        assert (await client.get(cold)).status_code == 503
        assert (await client.get(warm)).status_code == 200
        served = await client.get(warm, headers=browser)
        assert (served.status_code, served.headers["Content-Type"]) == (200, "image/webp")
        other = await client.get(warm, headers={"Accept": "image/avif"})  # not rendered before
        assert (other.status_code, other.headers["Content-Type"]) == (200, "image/png")

    for each in (rendering, cold):
        assert (await client.get(each)).status_code == 200


async def test_a_stored_variant_outlives_a_comparison_that_an_outage_cuts_short(
    shop: Shop, postgres: EmbeddedPostgres
) -> None:
    """It is lighter than what was rendered to compare it with: it is neither written again nor removed."""
    client, storage = shop.client, shop.storage
    warm = path((await added(client))["src"])
    stored = await client.get(warm)
    storage.written.clear()
    storage.may_write.clear()
    asked = asyncio.create_task(client.get(warm, headers={"Accept": "image/avif"}))
    await storage.arrived.wait()
    async with outage(postgres, shop.url):
        storage.may_write.set()
        for answer in (await asked, await client.get(warm)):
            assert (answer.status_code, answer.content) == (200, stored.content)
    assert f"public{warm}" not in storage.written
    again = await client.get(warm, headers={"Accept": "image/avif"})
    assert (again.status_code, again.headers["ETag"]) == (200, stored.headers["ETag"])


async def test_another_worker_serves_what_one_has_rendered(
    start_service: StartService, new_database: NewDatabase, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    """It has never asked the database about this image."""
    url = await new_database()
    async with start_service(database_url=url, data_dir=tmp_path) as one:
        store = await one.new_store()
        async with one.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            warm = urlsplit((await added(client))["src"]).path
            rendered = await client.get(warm, headers={"Accept": "image/avif"})
    async with start_service(database_url=url, data_dir=tmp_path) as other, other.client() as client:
        async with outage(postgres, url):
            served = await client.get(warm, headers={"Accept": "image/avif"})
        assert (served.status_code, served.content) == (200, rendered.content)
