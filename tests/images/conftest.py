"""Installations of their own: what counts all rows or all blobs must not meet those of other tests."""

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import delete, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from image_service import migrations
from image_service.embedded_postgres import EmbeddedPostgres
from image_service.images.models import ImageRow, TrashRow
from tests.conftest import Service, StartService

NewDatabase = Callable[[], Awaitable[str]]


@pytest.fixture(scope="session")
def new_database(postgres: EmbeddedPostgres) -> NewDatabase:
    """The URL of an empty database with this version's schema."""

    async def make() -> str:
        name = f"test_{uuid4().hex}"
        engine = create_async_engine(postgres.url, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {name}"))
        await engine.dispose()
        url = make_url(postgres.url).set(database=name).render_as_string(hide_password=False)
        await migrations.upgrade(url)
        return url

    return make


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
