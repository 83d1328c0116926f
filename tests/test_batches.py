"""A deletion in batches deletes every matching row, also one that another session changes meanwhile."""

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col

from image_service.database import batches
from image_service.database.database import Database
from image_service.images.models import ReservationRow
from tests.conftest import NewDatabase
from tests.databases import connected
from tests.processes import DEADLINE

WAITS = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"


async def test_a_row_that_is_changed_meanwhile(new_database: NewDatabase) -> None:
    url = await new_database()
    async with AsyncExitStack() as stack:
        database = Database(url, connections=2)
        stack.push_async_callback(database.close)
        other, watcher = [await stack.enter_async_context(connected(url)) for _ in range(2)]
        for number in range(6):
            await other.execute("INSERT INTO reservations (key) VALUES ($1)", UUID(int=number))
        async with other.transaction():
            await other.execute("UPDATE reservations SET reserved_at = now() WHERE key = $1", UUID(int=1))
            all_of_them = col(ReservationRow.reserved_at) <= func.now()
            removing = asyncio.create_task(batches.remove(database, ReservationRow, all_of_them, batch=3))
            async with asyncio.timeout(DEADLINE):
                while not await watcher.fetchval(WAITS):
                    assert not removing.done()
        assert await removing == 6
        assert await other.fetchval("SELECT count(*) FROM reservations") == 0
