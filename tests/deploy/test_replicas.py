"""Two replicas behind nginx are one service: to the letter of the documents, to the position, to the call."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest

from image_service.postgres.embedded import EmbeddedPostgres
from tests.deploy.both import StartNginx
from tests.deploy.needs import program
from tests.deploy.replicas import BUCKET, Replicas, kill, start
from tests.deploy.seeds import EXAMPLES, replay
from tests.ingest.server import ScriptedServer
from tests.shop import form, order, page, png


@pytest.fixture(scope="module")
async def replicas(postgres: EmbeddedPostgres, open_folder: Path, start_nginx: StartNginx) -> AsyncIterator[Replicas]:
    program("nginx", "nginx")
    name, folder = f"replicas_{uuid4().hex}", open_folder / "replicas"
    folder.mkdir()
    connection = await asyncpg.connect(postgres.url.replace("+asyncpg", ""))
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    url = postgres.url.replace("/postgres?", f"/{name}?")
    async with AsyncExitStack() as stack:
        servers = [start(folder, url, number) for number in range(2)]
        for server in servers:
            stack.callback(server.end)
        ports = [urlsplit(server.ready().url).port for server in servers]
        nginx = start_nginx("; server ".join(f"127.0.0.1:{port}" for port in ports), folder / "data/blobs/public")
        yield Replicas(servers, nginx, folder, url)


@pytest.fixture
async def made(replicas: Replicas) -> dict[str, Any]:
    """A fresh store: its id and token."""
    store: dict[str, Any] = json.loads(await asyncio.to_thread(replicas.run, "stores", "add", "a shop", "--json"))
    return store


@pytest.fixture
async def shop(replicas: Replicas, made: dict[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
    async with replicas.client(made["token"]) as client:
        yield client


async def test_every_example_of_both_documents(
    replicas: Replicas, shop: httpx.AsyncClient, server: ScriptedServer
) -> None:
    other = json.loads(await asyncio.to_thread(replicas.run, "stores", "add", "another", "--json"))
    server.pages["/charmander.jpg"] = page(png())
    before = replicas.asked()
    async with replicas.client(other["token"]) as stranger:
        await replay(shop, stranger, server.url("/charmander.jpg"))
    answered = [now - then for now, then in zip(replicas.asked(), before, strict=True)]
    assert min(answered) >= len(EXAMPLES) // 3, answered


async def test_positions_under_concurrency(replicas: Replicas, shop: httpx.AsyncClient) -> None:
    async def deeds(number: int) -> None:
        image = (await shop.post("/products/1234/images", files=form(), data={"position": 1})).json()["id"]
        for position in (number + 1, 3, 1):
            answer = await shop.put(f"/products/1234/images/{image}", json={"position": position})
            assert answer.status_code == 200
        if number % 3 == 0:
            assert (await shop.delete(f"/products/1234/images/{image}")).status_code == 200

    before = replicas.asked()
    await asyncio.gather(*(deeds(number) for number in range(12)))
    assert len(await order(shop)) == 8
    assert all(now - then > 10 for now, then in zip(replicas.asked(), before, strict=True))


async def test_one_key_sent_to_both_makes_one_image(shop: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    answers = await asyncio.gather(*(shop.post("/products/1234/images", files=form(), headers=key) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len(await order(shop)) == 1


async def test_the_rate_limit_is_one_for_both(shop: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(shop.get("/images") for _ in range(BUCKET + 40)))
    assert Counter(answer.status_code for answer in answers) == {200: BUCKET, 429: 40}


async def test_a_revoked_token_is_worth_nothing_to_either(replicas: Replicas, made: dict[str, Any]) -> None:
    store = str(made["store_id"])
    token = json.loads(await asyncio.to_thread(replicas.run, "stores", "token", store, "--json"))["token"]
    listed = json.loads(await asyncio.to_thread(replicas.run, "stores", "tokens", store, "--json"))
    async with replicas.client(token) as client:
        assert {(await client.get("/images")).status_code for _ in range(4)} == {200}
        await asyncio.to_thread(replicas.run, "stores", "revoke", str(listed[-1]["id"]))
        assert {(await client.get("/images")).status_code for _ in range(4)} == {401}


# --- the last test of this file: it leaves one replica ---


async def insistent(shop: httpx.AsyncClient, data: bytes) -> tuple[int, int]:
    """The same request with the same key until there is an answer: its id, and how often it was sent."""
    key = {"Idempotency-Key": str(uuid4())}
    for attempt in range(1, 100):
        try:
            answer = await shop.post("/products/1234/images", files=form(data), headers=key)
        except httpx.TransportError:
            continue
        if answer.status_code == 201:
            return answer.json()["id"], attempt
        assert answer.status_code in {409, 502, 503, 504}, answer.text
        await asyncio.sleep(0.1)
    raise AssertionError("no answer")


async def test_one_is_killed_under_load(replicas: Replicas, shop: httpx.AsyncClient) -> None:
    """Clients that repeat what was not answered see no loss, and nothing twice."""
    pictures = [png(f"#{number:06x}", (400, 300)) for number in range(48)]
    waiting, results = list(pictures), dict[bytes, tuple[int, int]]()
    under_way, killed = asyncio.Event(), asyncio.Event()

    async def client() -> None:
        while waiting:
            data = waiting.pop()
            if len(waiting) < 2 * len(pictures) // 3:
                under_way.set()
            if len(waiting) < len(pictures) // 3:
                await killed.wait()  # there must be something left for afterwards
            results[data] = await insistent(shop, data)

    async def fault() -> None:
        await under_way.wait()
        await asyncio.to_thread(kill, replicas.servers[1])
        killed.set()

    await asyncio.gather(fault(), *(client() for _ in range(8)))
    assert sorted(await order(shop)) == sorted(id for id, _ in results.values())
    for data in pictures:
        assert (await shop.get(f"/images/{results[data][0]}/original")).content == data
    listed = (await shop.get("/products/1234/images", params={"per_page": 3})).json()
    for image in listed:
        picture = await shop.get(image["src"].removeprefix("http://images.test"))
        assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/png")
