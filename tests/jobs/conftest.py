"""A service that does its jobs itself, on a database and blobs of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from image_service.stores.registry import NewStore
from tests.conftest import NewDatabase, Service, StartService

ASYNC = {"Prefer": "respond-async"}
SECONDS = 30  # for what takes a tenth of one
ENDS = {"finished", "failed", "cancelled"}

Ended = Callable[[httpx.Response], Awaitable[dict[str, Any]]]


@pytest.fixture(scope="session")
async def working(
    start_service: StartService, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    folder: Path = tmp_path_factory.mktemp("jobs")
    async with start_service(
        database_url=await new_database(), data_dir=folder, jobs=8, job_retry_seconds=0.6
    ) as service:
        yield service


@pytest.fixture
async def shop(working: Service) -> NewStore:
    return await working.new_store()


@pytest.fixture
async def client(working: Service, shop: NewStore) -> AsyncIterator[httpx.AsyncClient]:
    async with working.client(headers={"Authorization": f"Bearer {shop.token}"}) as client:
        yield client


async def ended(client: httpx.AsyncClient, answer: httpx.Response) -> dict[str, Any]:
    """The job that an answer names, once it has ended."""
    assert answer.status_code == 202, answer.text
    async with asyncio.timeout(SECONDS):
        while True:
            job = (await client.get(answer.headers["Location"])).raise_for_status().json()
            if job["finished_at"] is not None:
                assert job["state"] in ENDS
                found: dict[str, Any] = job
                return found
            await asyncio.sleep(0.02)  # as clients do: a job is asked for, it does not call


async def asked(client: httpx.AsyncClient, src: str, product: int = 1, **fields: Any) -> httpx.Response:
    return await client.post(f"/products/{product}/images", json={"src": src, **fields}, headers=ASYNC)
