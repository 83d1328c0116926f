"""Bytes beside another database than theirs: empty, restored, someone else's. Not ready, and nothing is swept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import func, literal, update
from sqlmodel import col

from image_service.errors import InstanceMismatch
from image_service.images import instance
from image_service.images.models import ImageRow
from image_service.images.upkeep import runs, verifying
from image_service.images.upkeep.copying import Copying, CopyState
from image_service.storage.local import LocalStorage
from image_service.storage.names import HIGH_WATER
from tests.conftest import NewDatabase, Service, StartService
from tests.images import blobs
from tests.images.blobs import OLD, age, file_of, names, sweep
from tests.shop import added, form, png


@asynccontextmanager
async def shop(start_service: StartService, url: str, folder: Path) -> AsyncIterator[tuple[Service, Any]]:
    async with start_service(database_url=url, data_dir=folder) as service:
        store = await service.new_store()
        async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            yield service, client


async def days_pass(service: Service) -> None:
    """For its rows and its bytes."""
    async with service.database.transaction() as session:
        await session.exec(update(ImageRow).values(created_at=func.now() - literal(OLD)))
    for name in await names(service):
        age(file_of(service, name), OLD)


async def copied(url: str) -> str:
    """The URL of a database like it; nobody may be connected."""
    name = url.partition("?")[0].rpartition("/")[2]
    connection = await asyncpg.connect(url.replace("+asyncpg", "").replace(f"/{name}", "/postgres"))
    try:
        await connection.execute(f"CREATE DATABASE {name}_copy TEMPLATE {name}")
    finally:
        await connection.close()
    return url.replace(f"/{name}", f"/{name}_copy")


async def refused(service: Service, client: httpx.AsyncClient) -> None:
    """Its sweep, and it is not ready."""
    everything = await names(service)
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["instance"]) == (
        503,
        "database and blob store belong to different installations",
    )
    for options in ({}, {"force": True}, {"dry_run": True}):
        with pytest.raises(InstanceMismatch):
            await sweep(service, **options)
    assert await names(service) == everything
    assert await blobs.trash_count(service) == 0


async def test_verify_of_an_empty_blob_store(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    """Not mounted, perhaps: it says so, and no original counts as missing."""
    async with shop(start_service, await new_database(), tmp_path) as (service, client):
        await added(client)
        before = await runs.results(service.database)
        with pytest.raises(InstanceMismatch, match="it is empty or its disk is not mounted"):
            await verifying.run(service.database, LocalStorage(tmp_path / "other"))
        assert await runs.results(service.database) == before
        assert (await verifying.run(service.database, service.storage)).counts["whole"] == 1


@pytest.mark.parametrize("claimed", [False, True], ids=["empty", "someone else's"])
async def test_of_another_installation(
    claimed: bool, start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    wrong = await new_database()
    async with shop(start_service, await new_database(), tmp_path) as (service, client):
        await added(client)
        await days_pass(service)
    if claimed:
        async with shop(start_service, wrong, tmp_path / "theirs") as (_, client):
            await added(client)
    async with shop(start_service, wrong, tmp_path) as (service, client):
        await refused(service, client)


async def test_restored(start_service: StartService, new_database: NewDatabase, tmp_path: Path) -> None:
    """Without its bytes, which are newer."""
    url = await new_database()
    async with shop(start_service, url, tmp_path) as (service, client):
        await asyncio.gather(*(added(client) for _ in range(30)))
    restored = await copied(url)
    async with shop(start_service, url, tmp_path) as (service, client):
        await added(client)  # one in thirty-one: few enough to pass for what a crash has left
        await days_pass(service)
        assert (await sweep(service)).strays == 0
    async with shop(start_service, restored, tmp_path) as (service, client):
        await refused(service, client)


async def test_restored_and_uploaded_to(start_service: StartService, new_database: NewDatabase, tmp_path: Path) -> None:
    """Uploads of every kind are refused, and so never bring its ids level with its bytes, until an operator acts."""
    url = await new_database()
    async with start_service(database_url=url, data_dir=tmp_path) as service:
        token = (await service.new_store()).token
    mine = {"Authorization": f"Bearer {token}"}
    async with start_service(database_url=url, data_dir=tmp_path) as service, service.client(headers=mine) as client:
        image = await added(client)
    restored = await copied(url)
    async with start_service(database_url=url, data_dir=tmp_path) as service, service.client(headers=mine) as client:
        await added(client)
        await added(client)
        await days_pass(service)
        await sweep(service)
    for _ in range(2):  # a restart changes nothing
        async with (
            start_service(database_url=restored, data_dir=tmp_path) as service,
            service.client(headers=mine) as client,
        ):
            here = f"/products/{image['product_id']}"
            for _ in range(3):
                for method, path, body in (
                    ("POST", f"{here}/images", {"files": form()}),
                    ("POST", "/v2/images.json", {"files": form()}),
                    ("PUT", f"{here}/images/{image['id']}", {"files": form(png("blue"))}),
                    ("PUT", "/products/77/gallery", {"json": {"images": [{"src": image["src"]}]}}),
                ):
                    answer = await client.request(method, path, **body)
                    assert answer.status_code == 503, (path, answer.text)
            await refused(service, client)
            assert (await client.get(f"{here}/images/{image['id']}")).status_code == 200
            assert (await client.put(f"{here}/images/{image['id']}", json={"alt": "A"})).status_code == 200
    async with (
        start_service(database_url=restored, data_dir=tmp_path) as service,
        service.client(headers=mine) as client,
    ):
        file_of(service, HIGH_WATER).unlink()  # what docs/operations/backup.md says
        assert (await client.get("/health/ready")).status_code == 200
        await added(client)


async def test_the_copy_of_today_is_as_good(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    """What came within the last day counts for nothing: the bytes of a backup are copied after the dump."""
    url = await new_database()
    async with shop(start_service, url, tmp_path) as (service, client):
        await added(client)
        await days_pass(service)
        await sweep(service)
    today = await copied(url)
    async with shop(start_service, url, tmp_path) as (service, client):
        await added(client)
        await sweep(service)
    async with shop(start_service, today, tmp_path) as (service, client):
        assert (await client.get("/health/ready")).status_code == 200
        assert (await sweep(service)).strays == 0
        file_of(service, "private/high-water").write_bytes(b"damaged")
        assert (await client.get("/health/ready")).status_code == 503


async def test_the_last_image_of_yesterday_is_remembered(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    """However many came before and since, and with gaps between their ids."""
    async with shop(start_service, await new_database(), tmp_path) as (service, client):
        ids = [(await added(client))["id"] for _ in range(9)]
        for gone in (ids[2], ids[6]):
            await client.delete(f"/images/{gone}")
        for old in (0, 1, 3, 4, 7, 8):
            async with service.database.transaction() as session:
                older = update(ImageRow).where(col(ImageRow.id) <= ids[old])
                await session.exec(older.values(created_at=func.now() - literal(OLD)))
            await instance.remember(service.database, service.storage, blobs.staging_of(service))
            assert file_of(service, HIGH_WATER).read_text() == str(ids[old])


async def test_a_copy_of_the_bytes_knows_it_too(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    async with shop(start_service, await new_database(), tmp_path) as (service, client):
        image = await added(client)
        await days_pass(service)
        copy = Copying(service.database, service.storage, LocalStorage(tmp_path / "copy"), blobs.staging_of(service))
        assert [copied.state async for copied in copy.run()] == [CopyState.COPIED]
        assert (tmp_path / "copy" / HIGH_WATER).read_text() == str(image["id"])
