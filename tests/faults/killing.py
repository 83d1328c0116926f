"""A service under load whose processes are killed, again and again, at moments that nobody has chosen."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.faults import reckoning
from tests.faults.load import Load
from tests.ingest.server import ScriptedServer
from tests.processes import DEADLINE, Server, eventually, family

TOKEN = "the-token-that-the-load-uses"
SETTINGS: dict[str, Any] = {"BOOTSTRAP_STORE": "1", "BOOTSTRAP_TOKEN": TOKEN, "FETCH_ALLOW_PRIVATE": "true"}
LONGEST = 2.0  # seconds from one kill to the next

Victims = Callable[[Server], set[int]]


def everything(server: Server) -> set[int]:
    """As when the machine stops."""
    return set(family(server.process.pid))


def service(server: Server) -> set[int]:
    """The one that the others belong to. They must notice."""
    return {server.process.pid} & everything(server)


def worker(server: Server) -> set[int]:
    """One of those that answer: they are forked from a child of the service."""
    with suppress(OSError):
        for pid in _children(server.process.pid):
            if "forkserver" in Path(f"/proc/{pid}/cmdline").read_text():
                return set(_children(pid)[:1])
    return set()


def database(server: Server) -> set[int]:
    """The postmaster. Its number is believed only while it is one of ours."""
    with suppress(OSError, IndexError):
        return {server.postmaster} & everything(server)
    return set()


def backend(server: Server) -> set[int]:
    """One of the processes that serve a connection, on which all of PostgreSQL begins anew."""
    with suppress(OSError):
        for postmaster in database(server):
            return set(_children(postmaster)[-1:])
    return set()


def both(server: Server) -> set[int]:
    """The service and its database, in one blow."""
    return service(server) | database(server)


def _children(pid: int) -> list[int]:
    """The oldest first. Raises `OSError` when it has just ended."""
    found = [child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    return sorted(map(int, found))


@dataclass
class Killing:
    """`start` starts the service on `folder`, whatever it finds there."""

    folder: Path
    start: Callable[[], Server]
    load: Load
    chance: random.Random
    killed: Counter[str] = field(default_factory=Counter)
    gave_up: int = 0
    server: Server = field(init=False)

    def __post_init__(self) -> None:
        self.server = self.start()

    async def run(self, count: int, ways: Sequence[Victims], **settings: Any) -> list[str]:
        """What was not kept of the promises made, after `count` kills."""
        stop = asyncio.Event()
        await self.ready()
        running = asyncio.create_task(self.load.run(stop))
        round_: list[Victims] = []
        while self.killed.total() < count:
            round_ = round_ or self.chance.sample(list(ways), len(ways))  # all of them, before any comes again
            await asyncio.sleep(self.chance.uniform(0, LONGEST))
            victims = await asyncio.to_thread(round_[-1], self.server)
            for pid in victims:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if victims:
                self.killed[round_.pop().__name__] += 1
            if self.server.process.pid in victims:
                await asyncio.to_thread(self.server.process.wait)
                self.server = await asyncio.to_thread(self.start)
            if self.chance.random() < 0.7:  # else the next blow may fall while it is getting up
                await self.ready()
        await self.ready()
        stop.set()
        await running
        return await reckoning.faults(self.load, self.folder, **settings)

    def figures(self) -> dict[str, object]:
        return {
            "kills": dict(self.killed),
            "acknowledged": f"{self.load.acknowledged.total()} {dict(self.load.acknowledged)}",
            "repeated": dict(self.load.repeated),
            "images at the end": self.load.images,
            "images deleted": len(self.load.gone),
            "starts that gave up": self.gave_up,
        }

    async def ready(self) -> None:
        while not await asyncio.to_thread(self._comes_up):
            self.gave_up += 1
            self.server = await asyncio.to_thread(self.start)  # as systemd does

    def _comes_up(self) -> bool:
        """False: it has given up, as it may when its database is killed while it starts."""
        with httpx.Client(base_url=self.server.url, timeout=DEADLINE) as client:

            def is_decided() -> bool:
                try:
                    return client.get("/health/ready").status_code == 200
                except httpx.TransportError:
                    return self.server.process.poll() is not None

            eventually(is_decided)
        return self.server.process.poll() is None


@asynccontextmanager
async def killing(folder: Path, start: Callable[[], Server], seed: int) -> AsyncIterator[Killing]:
    chance = random.Random(seed)
    url = ""

    def started() -> Server:
        nonlocal url
        log = folder / "log"
        if log.exists():  # those of the last start that still die may write to theirs
            log.rename(folder / f"log.{len(list(folder.glob('log.*')))}")
        server = start()
        try:
            url = server.url
        except BaseException:
            server.end()
            raise
        return server

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        ScriptedServer() as pages,
        httpx.AsyncClient(headers=headers, timeout=DEADLINE, limits=limits) as client,
    ):
        run = await asyncio.to_thread(
            lambda: Killing(folder, started, Load(client, lambda: url, pages, chance), chance)
        )
        try:
            yield run
        finally:
            await run.load.close()
            run.server.end()
