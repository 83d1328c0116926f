"""A service that does its jobs, on a database of its own, and a receiver to tell."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.conftest import NewDatabase, Service, StartService
from tests.webhooks.receiver import Receiver

ALL = ["image.created", "image.updated", "image.deleted", "gallery.changed", "image.failed", "job.finished"]


@pytest.fixture(scope="session")
async def telling(
    start_service: StartService, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    folder: Path = tmp_path_factory.mktemp("telling")
    async with start_service(database_url=await new_database(), data_dir=folder, jobs=8) as service:
        yield service


@pytest.fixture
async def shop(telling: Service) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks for a store of its own."""
    store = await telling.new_store()
    async with telling.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        yield client


async def webhook(shop: httpx.AsyncClient, receiver: Receiver, *events: str, path: str = "/") -> dict[str, Any]:
    """Made, of all events unless some are named; with its secret."""
    made = await shop.post("/webhooks", json={"url": receiver.url(path), "events": list(events) or ALL})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


async def deliveries(shop: httpx.AsyncClient, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    """Of a webhook, the oldest first."""
    found: list[dict[str, Any]] = (await shop.get(f"/webhooks/{webhook['id']}/deliveries")).json()
    return found[::-1]


def uuid_of(shown: str) -> UUID:
    return UUID(shown.removeprefix("msg_"))
