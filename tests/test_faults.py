"""Database and blob store go away and come back: nothing hangs, nothing lies, what is drawn is still served."""

import asyncio
from pathlib import Path

import httpx
import pytest

from image_service import migrations
from image_service.embedded_postgres import EmbeddedPostgres
from tests.conftest import Service, StartService
from tests.shop import added, form, order, path

UNAVAILABLE = {"code": 503, "message": "Service Unavailable", "description": "Try again in a moment"}


@pytest.fixture
def own_postgres(tmp_path: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(tmp_path / "postgres")


async def answers_again(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(20):
        while (await client.get("/health/ready")).status_code != 200:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


async def test_gone_and_back(own_postgres: EmbeddedPostgres, start_service: StartService, tmp_path: Path) -> None:
    await asyncio.to_thread(own_postgres.start)
    try:
        await migrations.upgrade(own_postgres.url)
        async with start_service(database_url=own_postgres.url, data_dir=tmp_path / "data") as service:
            await _gone_and_back(own_postgres, service)
    finally:
        await asyncio.to_thread(own_postgres.stop)


async def _gone_and_back(postgres: EmbeddedPostgres, service: Service) -> None:
    store = await service.new_store()
    async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        image = await added(client)
        drawn = await client.get(path(image["src"]))
        originals = [blob.name async for blob in service.storage.list("private/")]

        await asyncio.to_thread(postgres.stop)
        ready = await client.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json() == {
            "status": "unavailable",
            "database": "not reachable",
            "storage": "ok",
            "instance": "not checked",
        }
        assert (await client.get("/health/live")).status_code == 200
        for answer in (
            await client.get("/products/1234/images"),
            await client.post("/products/1234/images", files=form()),
            await client.delete("/products/1234"),
        ):
            assert (answer.status_code, answer.json()) == (503, UNAVAILABLE)
            assert int(answer.headers["retry-after"]) > 0
        answer = await client.post("/v2/images.json", files=form())
        assert (answer.status_code, answer.json()["message"]) == (503, "Service Unavailable")
        warm = await client.get(path(image["src"]))
        assert (warm.status_code, warm.content) == (200, drawn.content)
        cold = await client.get(path(image["src"]).replace("640-0", "50-0"))
        assert (cold.status_code, cold.headers["cache-control"]) == (503, "no-store")

        await asyncio.to_thread(postgres.start)
        await answers_again(client)
        assert await order(client) == [image["id"]]
        assert [blob.name async for blob in service.storage.list("private/")] == originals
        assert (await added(client))["position"] == 2
        await _blobs_gone_and_back(service, client)


async def _blobs_gone_and_back(service: Service, client: httpx.AsyncClient) -> None:
    """The folder is no folder for a while: that stops root, too."""
    blobs = service.settings.data_dir / "blobs"
    away = blobs.rename(blobs.with_name("away"))
    blobs.write_text("in the way")
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["storage"]) == (503, "not reachable or not writable")
    answer = await client.post("/products/1/images", files=form())
    assert (answer.status_code, answer.json()) == (503, UNAVAILABLE)
    assert (await client.get("/products/1/images")).json() == []
    blobs.unlink()
    away.rename(blobs)
    await answers_again(client)
    assert (await added(client, 1))["position"] == 1
