"""Installations of their own: what counts all rows or all blobs must not meet those of other tests."""

from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import delete, func, update

from image_service.images.models import ImageRow, ReservationRow, TrashRow
from tests.conftest import NewDatabase, Service, StartService


@pytest.fixture(scope="module")
async def installation(
    start_service: StartService, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    """A service on a database and in a directory of its own."""
    folder = tmp_path_factory.mktemp("installation")
    async with start_service(database_url=await new_database(), data_dir=folder) as service:
        yield service


@pytest.fixture
async def empty(installation: Service) -> Service:
    """The same, without any image, trash or blob of the tests before."""
    async with installation.database.transaction() as session:
        await session.exec(delete(ImageRow))
        await session.exec(delete(TrashRow))
        await session.exec(update(ReservationRow).values(reserved_at=func.now()))  # those that its process holds
    for prefix in ("private/", "public/", "tmp/"):
        names = [blob.name async for blob in installation.storage.list(prefix)]
        await installation.storage.delete(name for name in names if name != "private/instance")
    return installation


@pytest.fixture
async def shop(empty: Service) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks for a store of `empty`."""
    store = await empty.new_store()
    async with empty.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        yield client
