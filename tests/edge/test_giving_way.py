"""As many connections as may be, most of them one client's who asks for much and takes nothing: others are served."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from image_service.stores.registry import NewStore
from image_service.telemetry import metrics
from tests.conftest import Service, StartService
from tests.edge.test_answers import heavy
from tests.edge.wire import PATIENCE, Wire, ask, listening
from tests.shop import form

PLACES = 6
FLOOD, SHOP, NEWCOMER, PROXY = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.9"
GET = b"GET /products/1/images HTTP/1.1\r\nHost: a\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\nHost: a\r\n"
LAST = b"Connection: close\r\n\r\n"


@pytest.fixture(scope="module")
async def small(start_service: StartService) -> AsyncIterator[Service]:
    async with start_service(connections=PLACES, trusted_proxies=PROXY) as service:
        yield service


@pytest.fixture
async def asking(small: Service, store: NewStore, credentials: bytes, tmp_path: Path) -> bytes:
    """A request for 9,000,000 bytes."""
    async with small.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        image = (await client.post("/products/1/images", files=form(heavy(tmp_path)))).json()
    return f"GET /images/{image['id']}/original HTTP/1.1\r\nHost: a\r\n".encode() + credentials + b"\r\n"


async def silent(stack: AsyncExitStack, port: int, source: str, request: bytes) -> Wire:
    """Asks, and reads nothing."""
    wire = await stack.enter_async_context(Wire(port, source))
    wire.reader._transport.pause_reading()  # type: ignore[attr-defined]
    await wire.send(request)
    return wire


async def served(port: int, request: bytes) -> int:
    """The status of a newcomer's answer once that is no 503: who takes nothing is known after a second."""
    async with asyncio.timeout(PATIENCE):
        while True:
            [answer] = await ask(port, request, NEWCOMER)
            if answer.status != 503:
                return answer.status
            await asyncio.sleep(0.05)


async def test_those_who_take_nothing_make_way(small: Service, asking: bytes, credentials: bytes) -> None:
    async with listening(small) as port, AsyncExitStack() as stack:
        for _ in range(PLACES):
            await silent(stack, port, FLOOD, asking)
        [health] = await ask(port, LIVE + LAST, NEWCOMER)
        assert health.status == 200  # at once
        for _ in range(4):
            assert await served(port, GET + credentials + LAST) == 200


async def test_who_takes_its_answer_keeps_its_place(small: Service, asking: bytes, credentials: bytes) -> None:
    """Beside others of the same address who take nothing."""
    async with listening(small) as port, AsyncExitStack() as stack:
        shopper = await silent(stack, port, SHOP, asking)
        for _ in range(PLACES - 1):
            await silent(stack, port, SHOP, asking)
        shopper.reader._transport.resume_reading()  # type: ignore[attr-defined]
        reading = asyncio.create_task(shopper.answer())
        assert await served(port, GET + credentials + LAST) == 200
        answer = await reading
        assert (answer.status, len(answer.body)) == (200, int(answer.headers["content-length"]))


async def test_behind_a_proxy_the_client_counts(small: Service, credentials: bytes) -> None:
    """All places are the proxy's, and half of them one client's: a household of IPv6."""
    async with listening(small) as port, AsyncExitStack() as stack:
        wires = []
        for client in (b"192.0.2.1", b"192.0.2.2", b"192.0.2.3", b"2001:db8::1", b"2001:db8::2", b"2001:db8::3"):
            wire = await stack.enter_async_context(Wire(port, PROXY))
            await wire.send(GET + credentials + b"X-Forwarded-For: " + client + b"\r\n\r\n")
            assert (await wire.answer()).status == 200
            wires.append(wire)
        assert metrics.REGISTRY.get_sample_value("image_service_connections_of_one_client") == 3
        [newcomer] = await ask(port, GET + credentials + LAST, NEWCOMER)
        assert newcomer.status == 200
        assert await wires[3].ended() == b""  # of the household's, the one that had been idle for longest
        for wire in wires[:3] + wires[4:]:
            await wire.send(GET + credentials + b"\r\n")
            assert (await wire.answer()).status == 200


async def test_who_says_nothing_does_not_take_the_places_kept_for_health(small: Service, asking: bytes) -> None:
    async with listening(small) as port, AsyncExitStack() as stack:
        for _ in range(PLACES):
            await silent(stack, port, FLOOD, asking)
        for _ in range(20):
            await stack.enter_async_context(Wire(port, FLOOD))
        [health] = await ask(port, LIVE + LAST, NEWCOMER)
        assert health.status == 200


async def test_what_waits_for_all_clients_together_is_bounded(
    start_service: StartService, asking: bytes, credentials: bytes
) -> None:
    """Whoever takes nothing is ended long before `STALL_SECONDS` when memory runs short, although there are places."""
    async with (
        start_service(buffered_bytes=1024 * 1024, stall_seconds=300) as service,
        listening(service, send_buffer=4096) as port,
        AsyncExitStack() as stack,
    ):
        wires = [await silent(stack, port, FLOOD, asking) for _ in range(24)]
        async with asyncio.timeout(PATIENCE):
            while metrics.REGISTRY.get_sample_value("image_service_connections") == len(wires):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert [answer.status for answer in await ask(port, GET + credentials + LAST, NEWCOMER)] == [200]
