"""Services whose bytes are in S3."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.conftest import NewDatabase, NewS3, Service, StartService


@pytest.fixture(scope="module")
async def service(
    start_service: StartService,
    new_database: NewDatabase,
    new_s3: NewS3,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Service]:
    """In place of the one that all other tests share: a database and a prefix for each file of tests."""
    own: dict[str, Any] = {"database_url": await new_database(), "data_dir": tmp_path_factory.mktemp("data")}
    async with start_service(parts={"storage": new_s3()}, **own) as service:
        yield service


@pytest.fixture
async def shop(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    store = await service.new_store()
    async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        yield client
