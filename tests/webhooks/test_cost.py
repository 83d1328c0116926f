"""What webhooks cost those who do not wait for them: an upload no round trip, another store no time."""

import asyncio
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import NewDatabase, Service, StartService
from tests.faults.proxy import Proxy, proxied
from tests.ingest.server import ScriptedServer
from tests.processes import DEADLINE
from tests.shop import added
from tests.webhooks.conftest import deliveries, webhook
from tests.webhooks.receiver import Receiver, silence


async def test_an_upload_makes_as_many_round_trips_with_a_webhook_as_without(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path, receiver: Receiver
) -> None:
    async with (
        proxied(await new_database()) as proxy,
        start_service(database_url=proxy.url, data_dir=tmp_path, jobs=0) as service,
    ):
        trips = {}
        for is_told in (False, True):
            async with await _shop(service) as client:
                made = await webhook(client, receiver) if is_told else None
                trips[is_told] = await _trips(proxy, client)
                if made is not None:
                    kinds = [each["type"] for each in await deliveries(client, made)]
                    assert sorted(kinds) == sorted(["image.created", "gallery.changed"] * 3)
        assert trips[True] == trips[False] > 0


async def test_receivers_and_hosts_that_hang_delay_no_other_store(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path, receiver: Receiver, server: ScriptedServer
) -> None:
    receiver.answers["/hangs"] = silence
    fetched = asyncio.Semaphore(0)

    async def hangs(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        fetched.release()
        await asyncio.Event().wait()

    server.pages["/hangs"] = hangs
    async with (
        start_service(database_url=await new_database(), data_dir=tmp_path, jobs=8) as service,
        await _shop(service) as stuck,
        await _shop(service) as other,
    ):
        hanging = [await webhook(stuck, receiver, "image.created", path="/hangs") for _ in range(2)]
        await added(stuck)
        await receiver.wait(2, "/hangs")
        # The store's share is four of the eight places: two creates are under way, and others wait.
        for product in range(4):
            url, headers = server.url("/hangs"), {"Prefer": "respond-async"}
            answer = await stuck.post(f"/products/{product + 1}/images", json={"src": url}, headers=headers)
            assert answer.status_code == 202
        async with asyncio.timeout(DEADLINE):
            for _ in range(2):
                await fetched.acquire()
        made = await webhook(other, receiver, "image.created")
        image = await added(other)
        [message] = await receiver.wait(1)
        assert message.data["id"] == image["id"]
        assert (await deliveries(other, made))[0]["id"] == message.id
        for each in hanging:
            assert [told["attempts"] for told in await deliveries(stuck, each)] == [0]


async def _shop(service: Service) -> httpx.AsyncClient:
    """Speaks for a store of its own."""
    store = await service.new_store()
    return service.client(headers={"Authorization": f"Bearer {store.token}"}, timeout=DEADLINE)


async def _trips(proxy: Proxy, client: httpx.AsyncClient) -> int:
    """Of an upload, once its statements are prepared."""
    fields: dict[str, Any] = {"alt": "A cup"}
    for _ in range(2):
        await added(client, **fields)
    before = proxy.trips
    await added(client, **fields)
    return proxy.trips - before
