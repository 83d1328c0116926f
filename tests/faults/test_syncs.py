"""`kill -9` of everything in the middle of a gallery's sync, then the same call: the same end, and nothing is lost."""

import asyncio
import hashlib
import os
import random
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from tests.faults.killing import SETTINGS, TOKEN, everything
from tests.faults.runs import IS_LONG, RUNS
from tests.ingest.server import ScriptedServer
from tests.processes import DEADLINE, Server, command
from tests.shop import png
from tests.sync.calls import ALL, GALLERY
from tests.sync.host import Shop

LONGEST = 0.4  # seconds until the blow; a sync of these lists takes half of that
PLACES = 6
SEED = 21


def picture(number: int) -> bytes:
    return png(f"#{number:06x}", (40, 30))


async def test_the_same_call_after_a_kill_comes_to_the_same_end(tmp_path: Path) -> None:
    folder, chance = tmp_path / "service", random.Random(SEED)
    server = await asyncio.to_thread(started, folder)
    try:
        async with ScriptedServer() as pages:
            shop = Shop(pages)
            urls = [shop.has(f"/{place}", picture(place)) for place in range(PLACES)]
            now = await sync(server, [{"src": url} for url in urls])
            for turn in range(1, (RUNS if IS_LONG else 1) + 1):
                for place in chance.sample(range(PLACES), 2):  # what is replaced
                    shop.has(f"/{place}", picture(100 * turn + place))
                named = chance.sample(range(PLACES), PLACES - 1)  # moved, and one removed or new
                body = [{"src": urls[place], "alt": f"{turn}"} for place in named]
                going = asyncio.create_task(interrupted(server, body))
                await asyncio.sleep(chance.uniform(0, LONGEST))
                await asyncio.to_thread(kill, server)
                await going
                server = await asyncio.to_thread(started, folder)

                before, kept = texts(now), ids(now)
                found = await read(server)
                wanted = [(urls[place], f"{turn}") for place in named]
                assert texts(found) in (before, wanted)  # all of it, or nothing
                now = await sync(server, body)
                assert texts(now) == wanted
                assert all(ids(now)[url] == kept[url] for url in ids(now).keys() & kept.keys())
                assert bytes_of(now) == [picture_digest(shop, place) for place in named]
                again = await sync(server, body)
                assert (again["images"], again["revision"]) == (now["images"], now["revision"])
    finally:
        await asyncio.to_thread(server.end)
    verified = await asyncio.to_thread(command, folder, "verify")
    assert verified.status == 0, verified.out


def started(folder: Path) -> Server:
    return Server(folder, **SETTINGS).ready()


def kill(server: Server) -> None:
    for pid in everything(server):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    server.process.wait(DEADLINE)


def client(server: Server) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return httpx.AsyncClient(base_url=server.url, headers=headers, timeout=DEADLINE)


async def sync(server: Server, images: list[dict[str, Any]]) -> dict[str, Any]:
    async with client(server) as http:
        answer = await http.put(f"{GALLERY}?fields={ALL}", json={"images": images})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert "failed" not in {each["outcome"] for each in body["receipts"]}
    return body


async def interrupted(server: Server, images: list[dict[str, Any]]) -> None:
    """Whatever it answers, while one process after the other is struck."""
    async with client(server) as http:
        with suppress(httpx.TransportError):
            answer = await http.put(GALLERY, json={"images": images})
            assert answer.status_code in (200, 503), answer.text


async def read(server: Server) -> dict[str, Any]:
    async with client(server) as http:
        body: dict[str, Any] = (await http.get(f"{GALLERY}?fields={ALL}")).json()
    return body


def texts(body: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(image["source_url"], image["alt"]) for image in body["images"]]


def ids(body: dict[str, Any]) -> dict[str, int]:
    return {image["source_url"]: image["id"] for image in body["images"]}


def bytes_of(body: dict[str, Any]) -> list[str]:
    return [image["sha256"] for image in body["images"]]


def picture_digest(shop: Shop, place: int) -> str:
    return hashlib.sha256(shop.pictures[f"/{place}"]).hexdigest()
