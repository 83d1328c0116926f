"""Hostile, odd and late responses: what counts as one, and which connections are used again."""

import asyncio
import gc
import ssl
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from image_service.ingest.fetch_connect import MAX_HEAD_BYTES
from image_service.ingest.fetch_policy import FetchFailed, FetchPolicy, FetchReason
from image_service.ingest.hosts.posting import Posted, Poster
from image_service.ingest.shares import NOBODY
from tests.ingest.fetching import Names
from tests.ingest.server import ScriptedServer
from tests.ingest.test_fetch_tls import https_server
from tests.webhooks.receiver import Receiver
from tests.webhooks.test_posting import poster

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
# The response to each of two requests, what it says, and how many connections they take.
ANSWERS = {
    "a hundred interim responses": (100 * INTERIM + OK, Posted(200, None), 1),
    "chunks with a trailer": (
        b"HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nRetry-After: 9\r\n\r\n",
        Posted(503, None),
        1,
    ),
    "a length where no body is": (b"HTTP/1.1 204 X\r\nContent-Length: 5\r\n\r\n", Posted(204, None), 1),
    "a pause in any case of letters": (OK.replace(b"200 OK", b"503 X\r\nRETRY-after:  9 "), Posted(503, 9.0), 1),
    "more than its length": (OK + b"more", Posted(200, None), 2),
    "two responses": (OK + OK, Posted(200, None), 2),
    "the last one": (OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), Posted(200, None), 2),
    "HTTP/1.0": (OK.replace(b"1.1", b"1.0"), Posted(200, None), 2),
}
NO_ANSWERS = {
    "NUL": OK.replace(b"OK", b"OK\r\nX: a\0b"),
    "bare line feeds": OK.replace(b"\r\n", b"\n"),
    "two lengths": OK.replace(b"OK", b"OK\r\nTransfer-Encoding: chunked"),
    "a negative length": OK.replace(b": 0", b": -1"),
    "another protocol": b"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "another version": OK.replace(b"1.1", b"2.0"),
    "status 99": OK.replace(b"200", b"099"),
    "interim responses without end": INTERIM * (MAX_HEAD_BYTES // len(INTERIM) + 1),
    "half a head": OK[:-2],
}


async def twice(receiver: Receiver) -> list[Posted]:
    async with poster(receiver).to(receiver.url(), NOBODY) as line:
        return [await line.post(b"{}", {}) for _ in range(2)]


@pytest.mark.parametrize(("response", "posted", "connections"), ANSWERS.values(), ids=ANSWERS)
async def test_what_counts_as_an_answer(receiver: Receiver, response: bytes, posted: Posted, connections: int) -> None:
    receiver.answers["/"] = response
    assert await twice(receiver) == [posted, posted]
    assert receiver.connections == connections


@pytest.mark.parametrize("response", NO_ANSWERS.values(), ids=NO_ANSWERS)
async def test_what_does_not(server: ScriptedServer, response: bytes) -> None:
    server.pages["/"] = response
    assert await failure(server) is FetchReason.UNREACHABLE


async def failure(server: ScriptedServer, **headers: str) -> FetchReason:
    with pytest.raises(FetchFailed) as raised:
        async with poster(server).to(server.url("/"), NOBODY) as line:
            await line.post(b"{}", headers)
    return raised.value.reason


async def test_a_head_byte_by_byte(server: ScriptedServer) -> None:
    async def drips(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in 3 * INTERIM + OK:
            writer.write(bytes([byte]))
            await asyncio.sleep(0)  # the client reads on the same loop

    server.pages["/"] = drips
    async with poster(server).to(server.url("/"), NOBODY) as line:
        assert await line.post(b"{}", {}) == Posted(200, None)


async def test_what_comes_unasked_is_no_answer(server: ScriptedServer) -> None:
    """The connection is closed, and the next request takes another."""
    is_answered, is_closed = asyncio.Event(), asyncio.Event()

    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(b"{}"))
        writer.write(OK)
        await is_answered.wait()
        writer.write(OK.replace(b"200", b"500"))
        await reader.read()
        is_closed.set()

    server.pages["/"] = twice
    async with poster(server).to(server.url("/"), NOBODY) as line:
        assert (await line.post(b"{}", {})).status == 200
        is_answered.set()
        async with asyncio.timeout(10):
            await is_closed.wait()
        server.pages["/"] = OK
        assert (await line.post(b"{}", {})).status == 200
    assert server.connections == 2


async def test_a_request_is_not_repeated_once_its_response_has_begun(receiver: Receiver) -> None:
    async def half(writer: asyncio.StreamWriter) -> None:
        writer.write(OK[:20])

    receiver.answers["/"] = OK
    async with poster(receiver).to(receiver.url(), NOBODY) as line:
        await line.post(b"{}", {})
        receiver.answers["/"] = half
        with pytest.raises(FetchFailed):
            await line.post(b"{}", {})
    assert (len(receiver.got), receiver.connections) == (2, 1)


async def test_a_header_cannot_hold_a_line_break(server: ScriptedServer) -> None:
    for value in ("a\r\nX: y", "a\n", "a\0", "\N{SNOWMAN}"):
        assert await failure(server, X=value) is FetchReason.BAD_URL
    assert server.connections == 0


async def test_over_tls_the_name_counts() -> None:
    authority, asked = trustme.CA(), list[str]()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    names = Names(shop=[["127.0.0.1"]], elsewhere=[["127.0.0.1"]])
    to = Poster(FetchPolicy(allow_private=True), names, context, seconds=10)
    async with https_server(authority, "shop.test", lambda _: OK, asked) as port:
        async with to.to(f"https://shop.test:{port}/", NOBODY) as line:
            assert await line.post(b"{}", {}) == Posted(200, None)
        with pytest.raises(FetchFailed) as raised:
            async with to.to(f"https://elsewhere.test:{port}/", NOBODY) as line:
                await line.post(b"{}", {})
    assert (raised.value.reason, asked) == (FetchReason.UNREACHABLE, ["shop.test", "elsewhere.test"])


async def test_nothing_stays_open(receiver: Receiver) -> None:
    """After a TLS handshake, and after a request, that were cancelled."""
    connected = asyncio.Semaphore(0)

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.release()
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(hold, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    tasks, files = len(asyncio.all_tasks()), open_sockets()
    async with silent:
        for scheme in ("https", "http"):
            async with poster(receiver).to(f"{scheme}://127.0.0.1:{port}/", NOBODY) as line:
                posting = asyncio.create_task(line.post(b"{}", {}))
                await connected.acquire()
                posting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await posting
    async with asyncio.timeout(10):
        while len(asyncio.all_tasks()) > tasks or open_sockets() >= files:  # `silent` is closed
            gc.collect()
            await asyncio.sleep(0.01)


def open_sockets() -> int:
    found = 0
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the folder itself
            found += str(each.readlink()).startswith("socket:")
    return found
