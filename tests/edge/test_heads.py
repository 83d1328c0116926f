"""A request's head: how long it may take, how large it may be, and how many may wait for one."""

from collections.abc import AsyncIterator

import pytest

from image_service.edge.limits import MAX_HEAD_BYTES, MAX_HEADERS
from tests.conftest import Service, StartService
from tests.edge.wire import Wire, ask, listening

GET = b"GET /health/live HTTP/1.1\r\nHost: a\r\n"
END = b"Connection: close\r\n\r\n"
SHORT = 0.3  # seconds, reached on purpose


@pytest.fixture(scope="module")
async def hasty(start_service: StartService) -> AsyncIterator[int]:
    """The port of a service that waits for heads for but a moment, on two connections at most."""
    async with start_service(head_seconds=SHORT, connections=2) as service, listening(service) as port:
        yield port


@pytest.mark.parametrize("start", [b"", b"G", GET, GET + b"X: y\r\n", b"\r\n" * 10])
async def test_a_head_that_does_not_end(hasty: int, start: bytes) -> None:
    async with Wire(hasty) as wire:
        await wire.send(start)
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert await wire.ended() == b""


async def test_a_second_head_that_does_not_end(hasty: int) -> None:
    async with Wire(hasty) as wire:
        await wire.send(GET + b"\r\n")
        assert (await wire.answer()).status == 200
        await wire.send(GET)
        assert (await wire.answer()).status == 408


@pytest.mark.parametrize(
    "head",
    [
        GET + b"X: " + b"x" * MAX_HEAD_BYTES + b"\r\n" + END,
        GET.replace(b"live", b"live?" + b"x" * MAX_HEAD_BYTES) + END,
        GET + b"X" * MAX_HEAD_BYTES + b": y\r\n" + END,
        GET + b"X: y\r\n" * (MAX_HEAD_BYTES // 6) + END,
        GET + b"X: " + b"x" * 10_000_000,
        b"\r\n" * MAX_HEAD_BYTES + GET + END,
    ],
    ids=["value", "URL", "name", "many", "endless", "blank lines"],
)
async def test_a_head_that_is_too_large(port: int, head: bytes) -> None:
    (answer,) = await ask(port, head)
    assert (answer.status, answer.json["code"], answer.headers["connection"]) == (431, 431, "close")


async def test_the_largest_head_is_taken(port: int) -> None:
    room = MAX_HEAD_BYTES - len(GET + b"X: \r\n" + END)
    assert [answer.status for answer in await ask(port, GET + b"X: " + b"x" * room + b"\r\n" + END)] == [200]


@pytest.mark.parametrize("path", ["/products/1/images", "/v2/images/status/1.json", "/stores/1/a.png"])
async def test_too_many_headers(service: Service, path: str) -> None:
    """In the words of the path."""
    async with service.client() as client:
        most = [(f"x-{number}", "y") for number in range(MAX_HEADERS - 5 - 1)]  # httpx adds five
        assert (await client.get(path, headers=most)).status_code in (401, 404)
        answer = await client.get(path, headers=[("x", "y")] * MAX_HEADERS)
        assert answer.status_code == 431
        assert ("user_id" in answer.json()) == path.startswith("/v2")


async def test_trailers_and_chunk_extensions_are_bounded(port: int, credentials: bytes) -> None:
    head = b"POST /products/1/images HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + credentials + b"\r\n"
    for flood in (b"1;" + b"x" * 2_000_000, b"0\r\nX: " + b"x" * 2_000_000, b"1\r\n \r\n" * 500_000):
        (answer,) = await ask(port, head + flood)
        assert answer.status == 400


async def test_whoever_connects_and_says_nothing_makes_way(hasty: int) -> None:
    async with Wire(hasty) as first, Wire(hasty) as second:
        await second.send(GET + b"\r\n")
        assert (await second.answer()).status == 200
        assert [answer.status for answer in await ask(hasty, GET + END)] == [200]
        assert await first.ended() == b""  # it had been idle for longest
        await second.send(GET + END)
        assert (await second.answer()).status == 200


async def test_no_more_connections_than_may_be(hasty: int, credentials: bytes) -> None:
    """Those with a request under way keep their places."""
    upload = b"POST /products/1/images HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n" + credentials + b"\r\n"
    async with Wire(hasty) as first, Wire(hasty) as second:
        for wire in (first, second):
            await wire.send(upload)
        (refused,) = await ask(hasty, GET.replace(b"/health/live", b"/") + END)
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        (healthy,) = await ask(hasty, GET + b"\r\n")  # for which there is always a place
        assert (healthy.status, healthy.headers["connection"]) == (200, "close")
        for wire in (first, second):
            await wire.send(b"{}")
            assert (await wire.answer()).status == 422
    assert [answer.status for answer in await ask(hasty, GET + END)] == [200]
