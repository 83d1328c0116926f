"""No space left for PostgreSQL: 503, nothing acknowledged is lost, and it comes back by itself."""

import asyncio
from pathlib import Path

import asyncpg
import httpx
import pytest

from image_service.database import migrations
from image_service.postgres.embedded import EmbeddedPostgres
from tests.conftest import StartService
from tests.faults.disks import fill, small_disk
from tests.faults.proxy import BOUND, SECONDS
from tests.shop import added, form, order

IMAGES = "/products/1234/images"
MEBIBYTES = 160  # a new database with its log, and room for the migration
BACK_SECONDS = 40  # between two starts of a PostgreSQL that found no space there are at most 30


async def test_a_database_without_space(start_service: StartService, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", MEBIBYTES) as disk:
        postgres = EmbeddedPostgres(disk / "postgres")
        await asyncio.to_thread(postgres.start)
        try:
            await migrations.upgrade(postgres.url)
            settings = {"database_url": postgres.url, "data_dir": tmp_path / "data", "database_seconds": SECONDS}
            async with start_service(**settings) as service:
                store = await service.new_store()
                async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
                    await _no_room_for_rows(client, disk)
                    await _no_room_for_the_log(client, disk, postgres)
        finally:
            await asyncio.to_thread(postgres.stop)


async def _no_room_for_rows(client: httpx.AsyncClient, disk: Path) -> None:
    """Its statements fail, and it lives."""
    kept = [(await added(client))["id"]]
    filler = fill(disk)
    while (answer := await client.post(IMAGES, files=form())).status_code == 201:
        kept.append(answer.json()["id"])
    assert answer.status_code == 503
    assert await order(client) == kept
    await asyncio.to_thread(filler.unlink)
    kept.append((await added(client))["id"])
    assert await order(client) == kept


async def _no_room_for_the_log(client: httpx.AsyncClient, disk: Path, postgres: EmbeddedPostgres) -> None:
    """It panics, and does not start again while it finds no space."""
    kept = await order(client)
    filler = fill(disk)
    connection = await asyncpg.connect(postgres.url.replace("+asyncpg", ""))
    try:
        while True:
            await connection.execute("SELECT pg_logical_emit_message(false, 'fault', repeat('x', 1000000), true)")
    except (asyncpg.PostgresError, OSError):
        connection.terminate()
    assert "No space left on device" in (disk / "postgres/postgres.log").read_text()
    async with asyncio.timeout(BOUND):
        assert (await client.post(IMAGES, files=form())).status_code == 503
    await asyncio.to_thread(filler.unlink)
    try:
        async with asyncio.timeout(BACK_SECONDS):
            while (await client.get("/health/ready")).status_code != 200:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(f"it is not back:\n{(disk / 'postgres/postgres.log').read_text()[-4000:]}")
    assert await order(client) == kept
    kept.append((await added(client))["id"])
    assert await order(client) == kept
