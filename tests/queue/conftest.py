"""A queue of a test's own: no other service works on it."""

from collections.abc import AsyncIterator, Callable

import pytest

from image_service.database.database import Database
from image_service.queue import enqueue
from image_service.queue.enqueue import Work
from image_service.queue.runner import Pace, Runner
from image_service.queue.task import Handler
from image_service.stores import registry
from tests.conftest import NewDatabase

QUICK = Pace(poll=0.05, heartbeat=1.0, stop=0.2, unavailable=0.05)

NewRunner = Callable[..., Runner]


@pytest.fixture
async def queue_url(new_database: NewDatabase) -> str:
    return await new_database()


@pytest.fixture
async def database(queue_url: str) -> AsyncIterator[Database]:
    database = Database(queue_url, 8)
    yield database
    await database.close()


@pytest.fixture
async def store_id(database: Database) -> int:
    return (await registry.add(database, "a shop")).store_id


@pytest.fixture
def new_runner(database: Database) -> NewRunner:
    def make(handler: Handler, places: int = 4, kind: str = "test", pace: Pace = QUICK) -> Runner:
        return Runner(database, {kind: handler}, places, pace)

    return make


async def put(database: Database, store_id: int, *payloads: bytes, lane: str = "", kind: str = "test") -> None:
    async with database.changes() as transaction:
        for payload in payloads:
            await enqueue.add(transaction, Work(kind, store_id, payload, lane))
