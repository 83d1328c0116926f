"""What one store, or a stranger with its ticket, has under way does not keep the others out."""

import asyncio
from contextlib import AsyncExitStack

from image_service.stores.registry import NewStore
from image_service.telemetry import metrics
from tests.api.repeated import HeldStorage
from tests.conftest import StartService
from tests.edge.wire import Wire, listening
from tests.faults.waiting import until
from tests.ingest.server import ScriptedServer
from tests.processes import DEADLINE
from tests.shop import added, form, page, png
from tests.uploads.tickets import at, sent, ticket

SILENT = 64


def as_(store: NewStore) -> dict[str, str]:
    return {"Authorization": f"Bearer {store.token}"}


def gauge(name: str) -> float:
    return metrics.REGISTRY.get_sample_value(f"image_service_ingest_{name}") or 0.0


async def test_bodies_that_do_not_come_take_no_place(start_service: StartService, store: NewStore) -> None:
    """One ticket for seven files, and 64 who say that they will use it; one place in all."""
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(start_service(ingest_concurrency=1))
        port = await stack.enter_async_context(listening(service))
        shop = await stack.enter_async_context(service.client(headers=as_(store)))
        other = await stack.enter_async_context(service.client(headers=as_(await service.new_store())))
        made = await ticket(shop, product_id=5, files=7)
        head = f"POST {at(made)} HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        for _ in range(SILENT):
            wire = await stack.enter_async_context(Wire(port))
            await wire.send(head.encode() + b"Expect: 100-continue\r\nContent-Length: 5000\r\n\r\n")
            assert (await wire.answer()).status == 100  # it is waited for
        for client in (other, shop):
            image = await added(client)
            await added(client)
            moved = await client.put(f"/products/1234/images/{image['id']}", json={"position": 2})
            assert (moved.status_code, moved.json()["position"]) == (200, 2)
        assert (await sent(other, made)).status_code == 201  # nor do they keep the ticket's own holder out


async def test_a_store_has_half_and_a_ticket_less(
    start_service: StartService, held: HeldStorage, store: NewStore
) -> None:
    """Of eight places: while they are stored, which takes long, others find room."""
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(start_service(parts={"storage": held}, ingest_concurrency=8))
        shop = await stack.enter_async_context(service.client(headers=as_(store)))
        other = await stack.enter_async_context(service.client(headers=as_(await service.new_store())))
        made = await ticket(shop, product_id=5, files=7)
        by_ticket = [asyncio.create_task(sent(other, made)) for _ in range(7)]
        await until(lambda: (gauge("in_progress"), gauge("waiting")) == (1, 6), DEADLINE)
        own = [asyncio.create_task(shop.post("/products/6/images", files=form())) for _ in range(9)]
        await until(lambda: (gauge("in_progress"), gauge("waiting")) == (4, 12), DEADLINE)
        others = asyncio.create_task(other.post("/products/7/images", files=form()))
        await until(lambda: (gauge("in_progress"), gauge("waiting")) == (5, 12), DEADLINE)
        assert (await other.put("/products/7/images/1", json={"position": 1})).status_code == 404  # needs no place
        held.may_store.set()
        answers = await asyncio.gather(*by_ticket, *own, others)
        assert {answer.status_code for answer in answers} == {201}
    assert (gauge("in_progress"), gauge("waiting")) == (0, 0)


async def test_who_waits_too_long_for_a_place_is_told_when_to_come_again(
    start_service: StartService, held: HeldStorage, store: NewStore
) -> None:
    changes = {"parts": {"storage": held}, "ingest_concurrency": 1, "check_wait": 0.05}
    async with start_service(**changes) as service, service.client(headers=as_(store)) as shop:
        first = asyncio.create_task(shop.post("/products/6/images", files=form()))
        await held.arrived.wait()
        refused = await shop.post("/products/6/images", files=form())
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert (await shop.put("/products/6/images/1", json={"alt": "x"})).status_code == 404
        held.may_store.set()
        assert (await first).status_code == 201


async def test_a_host_that_hangs_does_not_stop_another_stores_fetches(
    start_service: StartService, store: NewStore, server: ScriptedServer
) -> None:
    """Of four fetches at once, the first store has two."""
    go_on = asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await go_on.wait()

    server.pages = {"/hangs.png": hang, "/good.png": page(png())}
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(start_service(fetch_concurrency=4))
        shop = await stack.enter_async_context(service.client(headers=as_(store)))
        other = await stack.enter_async_context(service.client(headers=as_(await service.new_store())))
        body = {"src": server.url("/hangs.png")}
        hung = [asyncio.create_task(shop.post("/products/1/images", json=body)) for _ in range(20)]
        await until(lambda: len(server.asked) == 2, DEADLINE)
        for _ in range(3):
            answer = await other.post("/products/1/images", json={"src": server.url("/good.png")})
            assert answer.status_code == 201
        assert [each.target for each in server.asked].count("/hangs.png") == 2
        go_on.set()
        assert {each.status_code for each in await asyncio.gather(*hung)} <= {422, 503}


async def test_names_that_hang_do_not_stop_another_stores_look_ups(
    start_service: StartService, store: NewStore, server: ScriptedServer
) -> None:
    """A look-up that could not begin is no fault of the URL: 503."""
    go_on, asked = asyncio.Event(), 0

    async def resolve(host: str, _port: int) -> list[str]:
        nonlocal asked
        if host.startswith("hangs"):
            asked += 1
            await go_on.wait()
        return ["127.0.0.1"]

    server.pages = {"/good.png": page(png())}
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(start_service(parts={"resolver": resolve}, fetch_concurrency=1000))
        shop = await stack.enter_async_context(service.client(headers=as_(store)))
        other = await stack.enter_async_context(service.client(headers=as_(await service.new_store())))
        bodies = [{"src": f"http://hangs{number}.test/a.png"} for number in range(40)]
        hung = asyncio.gather(*(shop.post("/products/1/images", json=body) for body in bodies))
        await until(lambda: asked == 32, DEADLINE)  # half of the threads
        answer = await other.post("/products/1/images", json={"src": server.url("/good.png", host="good.test")})
        assert answer.status_code == 201
        statuses = [each.status_code for each in await hung]
        assert sorted(statuses) == [422] * 32 + [503] * 8
        # Given up, but under way: they keep their places, and a good name of the same store has to wait.
        late = await shop.post("/products/1/images", json={"src": server.url("/good.png", host="good.test")})
        assert (late.status_code, late.headers["Retry-After"]) == (503, "1")
        go_on.set()
        answer = await shop.post("/products/1/images", json={"src": server.url("/good.png", host="good.test")})
        assert answer.status_code == 201
