"""`kill -9` under asynchronous creates and webhooks, and a database that is away: each that was acknowledged ends in
exactly one state, and makes one image or none; the webhook is told of all that has happened, and of nothing else.
"""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from image_service.postgres.embedded import EmbeddedPostgres
from tests.conftest import NewDatabase, StartService
from tests.faults import killing
from tests.faults.killing import SETTINGS, TOKEN, Victims
from tests.faults.runs import IS_LONG, RUNS
from tests.faults.test_outage import outage
from tests.faults.told import Told
from tests.ingest.server import ScriptedServer, answer
from tests.processes import DEADLINE, Server, eventually
from tests.shop import png
from tests.webhooks.receiver import Receiver

WAYS: tuple[Victims, ...] = (killing.worker, killing.database, killing.both)
CLIENTS = 4
AWAY_SECONDS = 60.0 if IS_LONG else 5.0  # longer than a heartbeat's time-out, or half of it
ENDS = {"finished", "failed"}


class Creates:
    """Clients that ask for images by URL, again and again, each repeated with its key until it is acknowledged."""

    def __init__(self, client: httpx.AsyncClient, url: Callable[[], str], sources: dict[str, bool]) -> None:
        """`sources`: URLs, and whether there is a picture."""
        self._client = client
        self._url = url
        self._sources = sources
        self.jobs: dict[str, bool] = {}  # acknowledged, and whether it must succeed
        self.has_some = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(self._ask(stop, number + 1))

    async def _ask(self, stop: asyncio.Event, product: int) -> None:
        while not stop.is_set():
            src = random.choice(list(self._sources))
            headers = {"Prefer": "respond-async", "Idempotency-Key": uuid4().hex}
            while True:
                try:
                    where = f"{self._url()}/products/{product}/images"
                    told = await self._client.post(where, json={"src": src}, headers=headers)
                except (httpx.TransportError, AttributeError):  # the latter by anyio, of a connection reset at once
                    await asyncio.sleep(0.05)
                    continue
                if told.status_code == 202:
                    self.jobs[told.json()["id"]] = self._sources[src]
                    if len(self.jobs) >= 3 * CLIENTS:
                        self.has_some.set()
                    break
                assert told.status_code in (409, 503), told.text
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.02)

    async def ended(self) -> list[dict[str, Any]]:
        """All of them, once the last has ended."""
        found = []
        async with asyncio.timeout(4 * DEADLINE):
            for id in self.jobs:
                while True:
                    job = (await self._client.get(f"{self._url()}/jobs/{id}")).raise_for_status().json()
                    if job["finished_at"] is not None:
                        found.append(job)
                        break
                    await asyncio.sleep(0.1)
        return found

    async def faults(self, told: Told) -> list[str]:
        jobs = await self.ended()
        revisions = {}
        found = [f"{job['id']} ended as {job['state']}" for job in jobs if job["state"] not in ENDS]
        for job in jobs:
            if (job["state"] == "finished") != self.jobs[job["id"]]:
                found.append(f"{job['id']}: {job['state']} {job['receipts']}")
        made = Counter(job["result"]["id"] for job in jobs if job["state"] == "finished")
        found += [f"image {id} is of {times} jobs" for id, times in made.items() if times > 1]
        there: list[int] = []
        for product in range(1, CLIENTS + 1):
            page = 1
            while True:
                where = f"{self._url()}/products/{product}/images"
                answered = await self._client.get(where, params={"page": page, "per_page": 200})
                images = answered.json()
                revisions[product] = int(answered.headers["ETag"].removeprefix("W/").strip('"').partition("-")[0])
                there += [image["id"] for image in images]
                page += 1
                if len(images) < 200:
                    break
        found += [f"image {id} is lost" for id in made.keys() - set(there)]
        found += [f"image {id} is nobody's" for id in set(there) - made.keys()]
        return found + await told.faults(self._client, self._url(), jobs, revisions)


def comes_up(server: Server) -> bool:
    with httpx.Client(timeout=DEADLINE) as client:

        def is_decided() -> bool:
            try:
                return client.get(f"{server.url}/health/ready").status_code == 200
            except httpx.TransportError:
                return server.process.poll() is not None

        eventually(is_decided)
    return server.process.poll() is None


def pictures(server: ScriptedServer) -> dict[str, bool]:
    server.pages["/cup.png"] = answer(200, png())

    async def slow(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        writer.write(answer(200, png("blue")))

    server.pages["/slow.png"] = slow
    return {server.url("/cup.png"): True, server.url("/slow.png"): True, server.url("/none.png"): False}


async def test_whatever_is_killed_each_create_ends_once(
    tmp_path: Path, record_property: Callable[[str, object], None], server: ScriptedServer, receiver: Receiver
) -> None:
    folder = tmp_path / "service"
    chance = random.Random(7)
    killed: Counter[str] = Counter()

    def start() -> Server:
        return Server(folder, "--workers", "2", **SETTINGS | {"MAX_IMAGES_PER_PRODUCT": "10000"})

    async def up(running: Server) -> Server:
        """Once it is ready; another where it has given up, as it may when its database is killed while it starts."""
        while not await asyncio.to_thread(comes_up, running):
            running = await asyncio.to_thread(start)
        return running

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    running = await asyncio.to_thread(start)
    try:
        async with httpx.AsyncClient(
            headers={"Authorization": f"Bearer {TOKEN}"}, timeout=DEADLINE, limits=limits
        ) as client:
            running = await up(running)
            load, stop = Creates(client, lambda: running.url, pictures(server)), asyncio.Event()
            told = Told(receiver)
            await told.begin(client, running.url)
            asking = asyncio.create_task(load.run(stop))
            round_: list[Victims] = []
            while killed.total() < RUNS:
                round_ = round_ or chance.sample(WAYS, len(WAYS))
                await asyncio.sleep(chance.uniform(0.2, killing.LONGEST))
                victims = await asyncio.to_thread(round_[-1], running)
                for pid in victims:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                if victims:
                    killed[round_.pop().__name__] += 1
                if running.process.pid in victims or running.process.poll() is not None:
                    await asyncio.to_thread(running.process.wait)
                    running = await asyncio.to_thread(start)
                if chance.random() < 0.7:
                    running = await up(running)
            running = await up(running)
            stop.set()
            await asking
            found = await load.faults(told)
            record_property("kills", dict(killed))
            record_property("creates acknowledged", len(load.jobs))
            record_property("events told", told.events)
            record_property("of which twice or more", told.messages - told.events)
            record_property("promises broken", len(found))
            assert found == []
            assert len(load.jobs) > CLIENTS
    finally:
        await asyncio.to_thread(running.end)


async def test_a_database_that_is_away_under_creates_and_webhooks(
    start_service: StartService,
    new_database: NewDatabase,
    postgres: EmbeddedPostgres,
    tmp_path: Path,
    server: ScriptedServer,
    receiver: Receiver,
    record_property: Callable[[str, object], None],
) -> None:
    url = await new_database()
    async with start_service(database_url=url, data_dir=tmp_path, jobs=8, max_images_per_product=10_000) as service:
        store = await service.new_store()
        async with service.client(headers={"Authorization": f"Bearer {store.token}"}, timeout=DEADLINE) as client:
            load, stop = Creates(client, lambda: "", pictures(server)), asyncio.Event()
            told = Told(receiver)
            await told.begin(client, "")
            asking = asyncio.create_task(load.run(stop))
            async with asyncio.timeout(DEADLINE):
                await load.has_some.wait()
            async with outage(postgres, url):
                await asyncio.sleep(AWAY_SECONDS)  # the time that it is about
            stop.set()
            await asking
            found = await load.faults(told)
            record_property("seconds away", AWAY_SECONDS)
            record_property("creates acknowledged", len(load.jobs))
            record_property("events told", told.events)
            record_property("of which twice or more", told.messages - told.events)
            record_property("promises broken", len(found))
            assert found == []
        held = await service.database.raw("SELECT 1 FROM pgqueuer WHERE status = 'failed'")
        assert not held
