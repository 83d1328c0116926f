"""What the fetcher makes of answers: good, wrong, lying, slow, endless."""

import asyncio
import socket
import struct

import pytest

from image_service.ingest.fetch import FetchReason
from image_service.ingest.fetch_policy import COULD_NOT_BE_FETCHED
from tests.ingest.fetching import PICTURE, failure, fetch, policy
from tests.ingest.server import Handler, ScriptedServer, answer, then_for_ever, then_silence

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


@pytest.mark.parametrize(
    "page",
    [
        CHUNKED + b"400\r\n" + PICTURE + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + PICTURE,  # ends where the connection does
        b"HTTP/1.0 200 OK\r\nContent-Length: 1024\r\n\r\n" + PICTURE + b"more than was said",
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + answer(200, PICTURE),
        answer(200, PICTURE, Content_Encoding="identity", Content_Type="text/html"),
        answer(203, PICTURE),
        answer(206, PICTURE, Content_Range="bytes 0-1023/1024"),
    ],
)
async def test_forms_of_a_good_answer(server: ScriptedServer, page: bytes) -> None:
    server.pages["/"] = page
    assert (await fetch(server.url("/"), policy(server)))[2] == PICTURE


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 400, 401, 404, 500, 503])
async def test_an_answer_without_a_picture_is_told(server: ScriptedServer, status: int) -> None:
    server.pages["/"] = f"HTTP/1.1 {status} X\r\n\r\n".encode()
    expected = (FetchReason.BAD_STATUS, f"answered {status}")
    assert await failure(server.url("/"), policy(server)) == expected


@pytest.mark.parametrize(
    "range_", ["bytes 0-1023/2048", "bytes 1024-2047/2048", "bytes 0-1023/*", "bytes */1024", "0-1023/1024", ""]
)
async def test_a_part_of_a_picture_is_told(server: ScriptedServer, range_: str) -> None:
    server.pages["/"] = answer(206, PICTURE, Content_Range=range_)
    assert await failure(server.url("/"), policy(server)) == (FetchReason.BAD_STATUS, "answered 206")


@pytest.mark.parametrize(
    ("page", "reason", "public"),
    [
        (answer(200, b""), "empty", "nothing"),
        (answer(200, PICTURE, Content_Length="1025"), "cut_off", "broke off"),
        (answer(206, PICTURE, Content_Range="bytes 0-1024/1025"), "cut_off", "broke off"),
        (CHUNKED + b"400\r\n" + PICTURE, "cut_off", "broke off"),
        (CHUNKED + b"ZZZ\r\n" + PICTURE, "cut_off", "broke off"),
        (answer(200, PICTURE, Content_Length="99999999"), "too_heavy", "too large"),
        (then_for_ever(b"HTTP/1.1 200 OK\r\n\r\n", PICTURE), "too_heavy", "too large"),
        (then_for_ever(CHUNKED, b"1\r\nx\r\n" * 5000), "fragmented", "too small pieces"),
        (then_silence(LONG), "too_slow", "too slowly"),
        (then_for_ever(LONG, b"x", seconds=0.02), "too_slow", "too slowly"),
    ],
)
async def test_bodies_that_are_not_taken(
    server: ScriptedServer, page: bytes | Handler, reason: str, public: str
) -> None:
    server.pages["/"] = page
    allowed = policy(server, max_bytes=200_000, total_seconds=60.0, read_seconds=0.3)
    if reason == "too_slow":
        allowed = policy(server, total_seconds=0.5, read_seconds=0.3)
    got, told = await failure(server.url("/"), allowed)
    assert got == reason
    assert public in told


async def test_the_size_limit_is_exact(server: ScriptedServer) -> None:
    server.pages["/"] = b"HTTP/1.1 200 OK\r\n\r\n" + PICTURE
    assert (await fetch(server.url("/"), policy(server, max_bytes=1024)))[2] == PICTURE
    assert (await failure(server.url("/"), policy(server, max_bytes=1023)))[0] is FetchReason.TOO_HEAVY


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (b"", "unreachable"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "unreachable"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", "unreachable"),  # the head is cut
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", "unreachable"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "unreachable"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "unreachable"),
        (b"HTTP/1.1 302 X\r\nContent-Length: 0\r\n\r\n", "bad_redirect"),  # to nowhere
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "unreachable"),
        (then_for_ever(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 100), "unreachable"),
        (then_for_ever(b"", b"HTTP/1.1 102 X\r\n\r\n" * 100), "unreachable"),
        (then_for_ever(b"HTTP/1.1 200 OK\r\n", b"x", seconds=0.02), "too_slow"),
        (then_silence(b"HTTP/1.1 200 OK\r\n"), "too_slow"),
    ],
)
async def test_what_comes_before_a_whole_head_is_not_told(
    server: ScriptedServer, page: bytes | Handler, reason: str
) -> None:
    server.pages["/"] = page
    allowed = policy(server, total_seconds=0.5 if reason == "too_slow" else 60.0, read_seconds=0.3)
    assert await failure(server.url("/"), allowed) == (reason, COULD_NOT_BE_FETCHED)


async def test_a_connection_that_is_reset_as_soon_as_it_is_made(server: ScriptedServer) -> None:
    """At whichever moment the reset is seen."""

    def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        linger = struct.pack("ii", 1, 0)  # for no time
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    async with await asyncio.start_server(reset, "127.0.0.1", 0) as rude:
        port = rude.sockets[0].getsockname()[1]
        allowed = policy(server, ports=frozenset({port}))
        for _ in range(50):
            found = await failure(f"http://127.0.0.1:{port}/", allowed)
            assert found == (FetchReason.UNREACHABLE, COULD_NOT_BE_FETCHED)
