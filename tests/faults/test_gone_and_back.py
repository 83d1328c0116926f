"""Database and blob store go away and come back: nothing hangs, nothing lies, what is rendered is still served."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest

from image_service.database import migrations
from image_service.postgres.embedded import EmbeddedPostgres
from tests.conftest import Service, StartService
from tests.faults.proxy import BOUND, SECONDS
from tests.processes import family
from tests.shop import added, form, order, path, png

UNAVAILABLE = {"code": 503, "message": "Service Unavailable", "description": "Try again in a moment"}


@pytest.fixture(scope="module")
async def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedPostgres]:
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("own") / "postgres")
    await asyncio.to_thread(postgres.start)
    yield postgres
    await asyncio.to_thread(postgres.stop)


@pytest.fixture(scope="module")
async def own_service(
    own_postgres: EmbeddedPostgres, start_service: StartService, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    await migrations.upgrade(own_postgres.url)
    folder = tmp_path_factory.mktemp("own data")
    async with start_service(database_url=own_postgres.url, data_dir=folder, database_seconds=SECONDS) as service:
        yield service


def postmaster(postgres: EmbeddedPostgres) -> int:
    socket = unquote(postgres.url.partition("?host=")[2])
    return int((Path(socket).parent / "pgdata" / "postmaster.pid").read_text().split()[0])


async def answers_again(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(20):
        while (await client.get("/health/ready")).status_code != 200:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


@asynccontextmanager
async def shop(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    store = await service.new_store()
    async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        yield client


async def test_paused(own_postgres: EmbeddedPostgres, own_service: Service) -> None:
    """All of its processes stand still: connections are there, the kernel takes new ones, and nothing answers."""
    async with shop(own_service) as client:
        image = await added(client)
        rendered = await client.get(path(image["src"]))
        paused = family(postmaster(own_postgres))
        for pid in paused:
            os.kill(pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(BOUND):
                answers = await asyncio.gather(
                    client.get("/products/1234/images"),
                    client.post("/products/1234/images", files=form()),
                    client.delete("/products/1234"),
                    client.get("/health/ready"),
                    client.get(path(image["src"])),
                )
        finally:
            for pid in paused:
                os.kill(pid, signal.SIGCONT)
        assert [answer.status_code for answer in answers] == [503, 503, 503, 503, 200]
        assert answers[-1].content == rendered.content
        await answers_again(client)
        assert await order(client) == [image["id"]]


async def test_restarted_at_once(own_postgres: EmbeddedPostgres, own_service: Service) -> None:
    """The immediate shutdown, in the middle of changes, each of which is repeated until it is answered."""

    async def change(client: httpx.AsyncClient, id_: int, colour: str) -> int:
        tries = 1
        while (await client.put(f"/products/1234/images/{id_}", files=form(png(colour)))).status_code != 200:
            tries += 1
            await asyncio.sleep(0.05)
        return tries

    async with shop(own_service) as client:
        ids = [(await added(client))["id"] for _ in range(4)]
        before = postmaster(own_postgres)
        for colour in ("green", "blue"):
            changes = [asyncio.create_task(change(client, id_, colour)) for id_ in ids]
            await asyncio.wait(changes, return_when=asyncio.FIRST_COMPLETED)
            os.kill(before, signal.SIGQUIT)
            assert max(await asyncio.gather(*changes)) > 1
            assert postmaster(own_postgres) != before
            before = postmaster(own_postgres)
        assert await order(client) == ids
        for id_ in ids:
            assert (await client.get(f"/images/{id_}/original")).content == png("blue")


async def test_gone_and_back(own_postgres: EmbeddedPostgres, own_service: Service) -> None:
    await _gone_and_back(own_postgres, own_service)


async def _gone_and_back(postgres: EmbeddedPostgres, service: Service) -> None:
    async with shop(service) as client:
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        image = await added(client)
        rendered = await client.get(path(image["src"]))
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
        assert (warm.status_code, warm.content) == (200, rendered.content)
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
