"""New validators of unchanged pictures are stored after the gallery's change, which they neither block nor undo."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from image_service.database.direct import Statement
from tests.conftest import NewDatabase, Service, StartService
from tests.shop import png
from tests.sync.calls import ids, outcomes, synced
from tests.sync.host import Shop

SECONDS = 10  # for what takes none
COLORS = ("red", "blue", "green")
IS_WAITING = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
# As a deadlock ends a statement; only where new validators come.
FAIL = """
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$;
    CREATE TRIGGER fail BEFORE UPDATE ON sources FOR EACH ROW EXECUTE FUNCTION fail();
"""


@pytest.fixture
async def own(start_service: StartService, new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Service]:
    async with start_service(database_url=await new_database(), data_dir=tmp_path) as service:
        yield service


@pytest.fixture
async def merchant(own: Service) -> AsyncIterator[httpx.AsyncClient]:
    token = (await own.new_store()).token
    async with own.client(headers={"Authorization": f"Bearer {token}"}) as client:
        yield client


async def added(client: httpx.AsyncClient, shop: Shop) -> list[dict[str, str]]:
    """Pictures whose host begins to send tags: the next sync has something to remember of each."""
    shop.tags = False
    entries = [{"src": shop.has(f"/{color}", png(color))} for color in COLORS]
    await synced(client, entries)
    shop.tags = True
    return entries


def locked(image_id: int) -> Statement:
    return Statement(text(f"SELECT FROM images WHERE id = {image_id} FOR UPDATE NOWAIT"))


async def somebody_waits(own: Service) -> None:
    async with asyncio.timeout(SECONDS):
        while True:
            if await own.database.raw(IS_WAITING):
                return
            await asyncio.sleep(0.01)


async def test_whoever_locks_a_whole_gallery_is_not_deadlocked(
    own: Service, merchant: httpx.AsyncClient, shop: Shop
) -> None:
    """While one image is waited for, no other is held, in whatever order they are locked."""
    entries = await added(merchant, shop)
    shown = ids(await synced(merchant, entries, "&dry_run=true"))
    for image_id in (shown[2], shown[1]):
        shop.forget()
        entries = await added(merchant, shop)
        async with own.database.changes() as transaction:
            await transaction.rows(locked(image_id))
            syncing = asyncio.create_task(synced(merchant, entries))
            await somebody_waits(own)
            for other in {*shown} - {image_id}:
                await transaction.rows(locked(other))
        assert outcomes(await syncing) == ["unchanged"] * len(COLORS)
    shop.forget()
    await synced(merchant, entries)
    assert shop.sent == []


async def test_a_failure_costs_the_next_download_alone(own: Service, merchant: httpx.AsyncClient, shop: Shop) -> None:
    entries = await added(merchant, shop)
    for statement in FAIL.strip().split(";\n"):
        await own.database.raw(statement)
    with capture_logs() as logs:
        body = await synced(merchant, entries[::-1])
    assert outcomes(body) == ["moved", "unchanged", "moved"]
    [warned] = [each for each in logs if each["event"] == "validators of sources not kept"]
    assert (warned["log_level"], warned["count"]) == ("warning", len(COLORS))
    shop.forget()
    again = await synced(merchant, entries[::-1])
    assert (again["images"], len(shop.sent)) == (body["images"], len(COLORS))
