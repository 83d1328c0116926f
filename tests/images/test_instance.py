"""A database and a blob store that do not belong together are never used together."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select

from image_service.cli.doctor import kept
from image_service.cli.doctor.findings import Level
from image_service.database.database import Database
from image_service.errors import InstanceMismatch
from image_service.images import instance
from image_service.images.models import InstanceRow
from image_service.settings import Settings
from image_service.storage.base import BlobHeaders
from image_service.storage.local import LocalStorage
from image_service.storage.names import new_key, original_name
from image_service.storage.staging import Staging
from tests.conftest import NewDatabase, Service, StartService
from tests.databases import connected
from tests.shop import added, form

DIFFERENT = "database and blob store belong to different installations"


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url, connections=2)
    try:
        yield database
    finally:
        await database.close()


async def claim(url: str, folder: Path) -> UUID:
    """What a first start does; the id that both carry then."""
    storage = LocalStorage(folder / "blobs")
    async with opened(url) as database:
        await instance.claim(database, storage, Staging(folder / "staging"))
        await instance.check(database, storage)
        async with database.statement() as session:
            recorded = (await session.exec(select(InstanceRow.id))).one()
    assert (folder / "blobs" / instance.NAME).read_text() == str(recorded)
    return recorded


async def readiness(service: Service) -> tuple[int, dict[str, Any]]:
    async with service.client() as client:
        answer = await client.get("/health/ready")
    assert answer.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = answer.json()
    return answer.status_code, body


async def test_the_first_start_claims_both_and_later_ones_change_nothing(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    url = await new_database()
    first = await claim(url, tmp_path)
    assert await claim(url, tmp_path) == first
    assert await claim(await new_database(), tmp_path / "other") != first


async def test_a_first_start_that_was_cut_short_is_made_up_for(new_database: NewDatabase, tmp_path: Path) -> None:
    """The database had its id, the blob store not yet."""
    url = await new_database()
    first = await claim(url, tmp_path)
    (tmp_path / "blobs" / instance.NAME).unlink()
    assert await claim(url, tmp_path) == first


async def test_a_service_that_is_whole_is_ready(installation: Service) -> None:
    status, body = await readiness(installation)
    assert (status, body) == (200, {"status": "ready", "database": "ok", "storage": "ok", "instance": "ok"})


async def test_two_that_differ_are_not_ready(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    await claim(await new_database(), tmp_path)
    other = await new_database()
    await claim(other, tmp_path / "other")
    async with start_service(database_url=other, data_dir=tmp_path) as service:
        assert await readiness(service) == (
            503,
            {"status": "unavailable", "database": "ok", "storage": "ok", "instance": DIFFERENT},
        )


async def test_a_database_that_takes_no_changes(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    """A standby, for example. The two belong together, and the operator must not be told otherwise."""
    url = await new_database()
    await claim(url, tmp_path)
    async with connected(url) as connection:
        name = await connection.fetchval("SELECT current_database()")
        await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    async with start_service(database_url=url, data_dir=tmp_path) as service:
        status, body = await readiness(service)
    assert (status, body.pop("status")) == (503, "unavailable")
    assert body == {"database": "not writable", "storage": "ok", "instance": "not checked"}
    async with opened(url) as database:
        [finding, *_] = [each async for each in kept.database(database, Settings())]
    assert (finding.level, "takes no changes" in finding.found) == (Level.FAIL, True)


async def test_images_whose_blobs_are_not_there(
    start_service: StartService, installation: Service, tmp_path: Path
) -> None:
    """A disk that was not mounted: it must not be taken for a new one."""
    store = await installation.new_store()
    async with installation.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        await added(client)
    url = installation.settings.database_url
    async with start_service(database_url=url, data_dir=tmp_path) as service:
        status, body = await readiness(service)
        assert (status, body["instance"]) == (503, DIFFERENT)
    assert not (tmp_path / "blobs" / instance.NAME).exists()


async def test_originals_of_nobody_knows_whom(new_database: NewDatabase, tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "blobs")
    source = tmp_path / "source"
    source.write_bytes(b"someone's photo")
    await storage.put(original_name(new_key()), source, BlobHeaders("image/jpeg"))
    url = await new_database()
    for _ in range(2):
        with pytest.raises(InstanceMismatch):
            await claim(url, tmp_path)
    assert not (tmp_path / "blobs" / instance.NAME).exists()


async def test_an_id_that_is_none(new_database: NewDatabase, tmp_path: Path) -> None:
    url = await new_database()
    await claim(url, tmp_path)
    for damaged in (b"", b"\0" * 36, b"\xff"):
        (tmp_path / "blobs" / instance.NAME).write_bytes(damaged)
        with pytest.raises(InstanceMismatch, match="damaged"):
            await claim(url, tmp_path)
        assert (tmp_path / "blobs" / instance.NAME).read_bytes() == damaged


async def test_nothing_is_taken_while_its_blob_store_is_away(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    """A disk that is not mounted: what was written to the folder below it would be lost when it is."""
    async with start_service(database_url=await new_database(), data_dir=tmp_path) as service:
        store = await service.new_store()
        async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            image = await added(client)
            blobs = tmp_path / "blobs"
            away = blobs.rename(tmp_path / "away")
            for method, url in (
                ("POST", "/v2/images.json"),
                ("POST", "/products/5/images"),
                ("PUT", f"/products/{image['product_id']}/images/{image['id']}"),
            ):
                answer = await client.request(method, url, files=form())
                assert answer.status_code == 503, (method, url)
            assert (await readiness(service))[0] == 503
            assert [each async for each in service.storage.list("private/")] == []
            shutil.rmtree(blobs)
            away.rename(blobs)
            assert (await readiness(service))[0] == 200
            assert [each["id"] for each in (await client.get("/images")).json()] == [image["id"]]
            assert (await added(client))["position"] == 2
