"""A ticket's count is exact: under load, through several processes, over a restart."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import Service, StartService
from tests.processes import DEADLINE, Server
from tests.shop import PRODUCT, form, order, png
from tests.uploads.tickets import left, sent, ticket

TOKEN = "the-token-of-the-first-store"


async def test_twenty_at_once_for_five(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    made = await ticket(client, product_id=PRODUCT, files=5)
    answers = await asyncio.gather(*(sent(anyone, made) for _ in range(20)))
    assert sorted(each.status_code for each in answers) == [201] * 5 + [410] * 15
    assert len(await order(client)) == 5
    assert await left(client, made) == 0


async def test_never_more_bytes(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    size = len(png("red"))
    made = await ticket(client, product_id=PRODUCT, files=8, bytes=3 * size + 1)
    answers = await asyncio.gather(*(sent(anyone, made) for _ in range(8)))
    assert sorted(each.status_code for each in answers) == [201] * 3 + [413] * 5
    assert len(await order(client)) == 3


async def test_in_the_order_that_they_are_made_in(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    before = (await sent(anyone, await ticket(client, product_id=PRODUCT))).json()["id"]
    made = await ticket(client, product_id=PRODUCT, position=1, files=6)
    answers = await asyncio.gather(*(sent(anyone, made) for _ in range(6)))
    images = sorted((each.json() for each in answers), key=lambda image: int(image["position"]))
    assert [image["position"] for image in images] == [1, 2, 3, 4, 5, 6]
    assert await order(client) == [*(image["id"] for image in images), before]


async def test_a_store_that_is_removed_meanwhile(start_service: StartService, service: Service) -> None:
    """Whoever is first: neither waits for the other for ever, and nothing is left of the store."""
    store = await service.new_store()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(service.client(headers={"Authorization": f"Bearer {store.token}"}))
        anyone = await stack.enter_async_context(service.client())
        made = [await ticket(client, product_id=product, files=4) for product in (1, 2, 3)]
        uploads = [asyncio.create_task(sent(anyone, made[number % 3])) for number in range(12)]
        await asyncio.wait(uploads, return_when=asyncio.FIRST_COMPLETED)
        await service.remove_store(store.store_id)
        statuses = {each.status_code for each in await asyncio.gather(*uploads)}
        assert statuses <= {201, 410, 401}
        assert (await client.get("/images")).status_code == 401


@pytest.fixture
def replicas(empty_database: str, tmp_path: Path) -> Iterator[list[Server]]:
    """Two services on one database and one folder of data."""
    with ExitStack() as stack:
        servers = [start(empty_database, tmp_path, name) for name in ("one", "two")]
        for server in servers:
            stack.callback(server.end)
        yield [server.ready() for server in servers]


def start(database: str, folder: Path, name: str) -> Server:
    return Server(
        folder / name,
        DATABASE_URL=database,
        DATA_DIR=str(folder / "data"),
        BOOTSTRAP_STORE="15",
        BOOTSTRAP_TOKEN=TOKEN,
    )


async def test_on_every_replica_and_after_a_restart(
    replicas: list[Server], empty_database: str, tmp_path: Path
) -> None:
    # Not a plain function: those have no event loop of the tests', and to ask for an asynchronous fixture would make
    # one, with which everything that all tests share would start anew.
    await asyncio.to_thread(on_every_replica_and_after_a_restart, replicas, empty_database, tmp_path)


def on_every_replica_and_after_a_restart(replicas: list[Server], empty_database: str, tmp_path: Path) -> None:
    first, second = replicas
    with first.client(TOKEN) as client:
        made = client.post("/uploads", json={"product_id": 1, "files": 3}).raise_for_status().json()
    url = urlsplit(made["url"])
    with httpx.Client(timeout=DEADLINE) as anyone:

        def post(server: Server) -> int:
            return anyone.post(f"{server.url}{url.path}?{url.query}", files=form()).status_code

        assert [post(second), post(first)] == [201, 201]
        assert [server.stop() for server in replicas] == [0, 0]
        again = start(empty_database, tmp_path, "again")
        try:
            again.ready()
            assert [post(again), post(again)] == [201, 410]
            with again.client(TOKEN) as client:
                assert len(client.get("/products/1/images").json()) == 3
            assert url.query not in again.log_file.read_text()
            [line] = again.logged(event="request", status=410)
            assert line["path"] == f"/uploads/{made['id']}"
            assert line["route"] == "/uploads/{id}"
            assert line["reason"] == "TicketOver upload ticket: used_up"
        finally:
            again.end()
