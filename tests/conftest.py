"""A real PostgreSQL, a real service in this process, and a fresh store for every test.

Stores never see each other, so tests need no cleaning up and share one database and one set of pixel processes.
"""

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import uvloop
from fastapi import FastAPI
from playwright.sync_api import Browser
from sqlalchemy import make_url
from xdist.remote import Producer

from image_service.app import create_app
from image_service.database import migrations
from image_service.database.database import Database
from image_service.images.blobs import Blobs
from image_service.jobs import store_removal
from image_service.postgres.embedded import EmbeddedPostgres
from image_service.settings import Settings
from image_service.storage.base import Storage
from image_service.storage.s3 import S3Storage
from image_service.storage.s3_calls import S3Limits
from image_service.storage.staging import Staging
from image_service.stores import registry
from image_service.stores.registry import NewStore
from tests.browser import chromium
from tests.databases import connected
from tests.ingest.server import ScriptedServer
from tests.needs import require
from tests.order import ByFile, longest_first
from tests.processes import PATIENT
from tests.s3.seaweed import BUCKET, WEED, SeaweedFS, new_prefix
from tests.webhooks.receiver import Receiver

# What the tests start inherits from what has started them. A script ignores these signals for its background jobs.
# nginx, which root runs as another account, must read what is written under `umask 077`.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
os.umask(0o022)
gc.disable()  # until the tests begin: what is imported and collected stays

API = "http://api.test"
DELIVERY = "http://images.test"
PHOTOS = Path(__file__).parent / "data" / "photos"


@dataclass(frozen=True)
class Service:
    """A running service and what it stands on."""

    app: FastAPI
    settings: Settings
    database: Database
    storage: Storage

    def client(self, **options: Any) -> httpx.AsyncClient:
        """An HTTP client without credentials. Errors are answered, not raised into the test."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=API, **options)

    async def new_store(self, **options: Any) -> NewStore:
        return await registry.add(self.database, "a shop", **options)

    async def remove_store(self, store_id: int, **options: Any) -> int:
        return await store_removal.remove(
            self.database, Blobs(self.database, self.storage, self.settings.sizes), store_id, **options
        )


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that the service itself runs on: asyncio's own behaves otherwise in places."""
    return {"uvloop": uvloop.new_event_loop}


def pytest_xdist_auto_num_workers() -> int:
    """Most tests wait as long as they compute. Beyond eight the longest file decides."""
    return min(8, 2 * (os.cpu_count() or 1))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest_first(items)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    gc.freeze()  # no collection needs to look at it again
    gc.enable()


StartService = Callable[..., AbstractAsyncContextManager[Service]]
NewS3 = Callable[..., S3Storage]
NewDatabase = Callable[[], Awaitable[str]]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), max_connections=100)
    postgres.start()
    yield postgres
    postgres.stop()


@pytest.fixture(scope="session")
async def database_url(postgres: EmbeddedPostgres) -> str:
    """Of a database with this version's schema, for all tests that need no other."""
    await migrations.upgrade(postgres.url)
    return postgres.url


@pytest.fixture(scope="session")
async def new_database(postgres: EmbeddedPostgres) -> AsyncIterator[NewDatabase]:
    """The URL of an empty database with this version's schema: a copy of one that was migrated."""

    def url_of(name: str) -> str:
        return make_url(postgres.url).set(database=name).render_as_string(hide_password=False)

    async with connected(postgres.url) as connection:

        async def make() -> str:
            name = f"test_{uuid4().hex}"
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE migrated")
            return url_of(name)

        await connection.execute("CREATE DATABASE migrated")
        await migrations.upgrade(url_of("migrated"))
        yield make


@pytest.fixture
async def empty_database(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """The URL of a database of this test's own, without a schema."""
    name = f"empty_{uuid4().hex}"
    connection = await asyncpg.connect(postgres.url.replace("+asyncpg", ""))
    try:
        await connection.execute(f"CREATE DATABASE {name}")
        yield postgres.url.replace("/postgres?", f"/{name}?")
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def start_service(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> StartService:
    """Starts a service with other settings than most tests need; its blobs are the shared ones."""
    folder = tmp_path_factory.mktemp("data")

    @asynccontextmanager
    async def start(*, parts: dict[str, Any] | None = None, **changes: Any) -> AsyncIterator[Service]:
        values: dict[str, Any] = {
            "database_url": database_url,
            "data_dir": folder,
            "public_url": API,
            "delivery_url": DELIVERY,
            "fetch_allow_private": True,
            "sweep_interval": 0,
            "jobs": 0,  # all these services share one database, not their blobs
            "auth_failures_per_minute": 1_000_000,  # all tests together come from one address
            **{name.lower(): seconds for name, seconds in PATIENT.items()},
        }
        settings = Settings.model_validate(values | changes)
        app = create_app(settings, **(parts or {}))
        async with app.router.lifespan_context(app):
            yield Service(app, settings, app.state.parts.database, app.state.parts.storage)

    return start


@pytest.fixture(scope="session")
async def service(start_service: StartService) -> AsyncIterator[Service]:
    async with start_service() as service:
        yield service


@pytest.fixture
async def store(service: Service) -> NewStore:
    return await service.new_store()


@pytest.fixture
async def client(service: Service, store: NewStore) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks for `store`."""
    async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        yield client


@pytest.fixture
async def anyone(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """Has no credentials."""
    async with service.client() as client:
        yield client


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """An S3 server for all tests of this process."""
    require(WEED.exists(), "SeaweedFS")
    server = SeaweedFS(tmp_path_factory.mktemp("seaweed"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def new_s3(seaweed: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> NewS3:
    """Makes an empty blob store, perhaps by way of another endpoint."""

    def make(endpoint: str | None = None, limits: S3Limits | None = None, prefix: str | None = None) -> S3Storage:
        staging = Staging(tmp_path_factory.mktemp("staging"))
        config = seaweed.config(endpoint)
        return S3Storage(BUCKET, prefix or new_prefix(), staging, config, limits or S3Limits())

    return make


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Of webhooks."""
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    """Someone else's host, to fetch pictures from."""
    async with ScriptedServer() as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not longer than a file of tests: Playwright's event loop stands in the way of those of other tests."""
    with chromium() as browser:
        yield browser
