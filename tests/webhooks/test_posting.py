"""A receiver that hangs, lies, drips or sends without end costs a bounded time and no memory."""

import asyncio
from ipaddress import ip_network

import pytest

from image_service.ingest.fetch_policy import FetchFailed, FetchPolicy, FetchReason
from image_service.ingest.hosts.posting import Posted, Poster
from image_service.ingest.shares import NOBODY
from tests.ingest.fetching import Names
from tests.ingest.server import Handler, ScriptedServer, answer, then_for_ever, then_silence
from tests.webhooks.receiver import Receiver

SECONDS = 1.0  # that a test's poster has patience for
FAILURES: dict[str, tuple[bytes | Handler, FetchReason]] = {
    "silence": (then_silence(b""), FetchReason.TOO_SLOW),
    "half a head": (then_silence(b"HTTP/1.1 200 OK\r\nServer: "), FetchReason.TOO_SLOW),
    "a head that drips": (then_for_ever(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 0.05), FetchReason.TOO_SLOW),
    "a head without end": (then_for_ever(b"HTTP/1.1 200 OK\r\n", b"X" * 4096), FetchReason.UNREACHABLE),
    "no HTTP": (b"220 smtp.example.com ESMTP\r\n\r\n", FetchReason.UNREACHABLE),
    "nothing": (b"", FetchReason.UNREACHABLE),
}


def poster(server: ScriptedServer | Receiver, names: Names | None = None) -> Poster:
    """As in production, except that 127.0.0.1 counts as public, the server's port as a web port, and http passes."""
    policy = FetchPolicy(allow_private=True, allow_networks=(ip_network("127.0.0.1/32"),))
    return Poster(policy, names or Names(), seconds=SECONDS)


async def posted(to: Poster, url: str) -> Posted:
    async with to.to(url, NOBODY) as line:
        return await line.post(b"{}", {})


@pytest.mark.parametrize(("page", "reason"), FAILURES.values(), ids=FAILURES)
async def test_no_answer_in_time(server: ScriptedServer, page: bytes | Handler, reason: FetchReason) -> None:
    server.pages["/"] = page
    with pytest.raises(FetchFailed) as raised:
        await posted(poster(server), server.url("/"))
    assert raised.value.reason is reason


async def test_of_an_answer_without_end_only_the_head_is_read(server: ScriptedServer) -> None:
    sent = 0

    async def two_gigabytes(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    server.pages["/"] = two_gigabytes
    answered = await posted(poster(server), server.url("/"))
    assert answered.status == 200
    assert sent < 32 * 1024 * 1024  # what the sockets hold


async def test_a_connection_serves_again_where_the_answer_has_ended(receiver: Receiver) -> None:
    """Also after one that the receiver has closed meanwhile."""

    async def last(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    receiver.answers["/"] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    async with poster(receiver).to(receiver.url(), NOBODY) as line:
        for answer in (receiver.answers["/"], last, receiver.answers["/"], last):
            receiver.answers["/"] = answer
            assert (await line.post(b"{}", {})).status == 200
    assert (len(receiver.got), receiver.connections) == (4, 2)


async def test_a_redirect_is_an_answer(server: ScriptedServer) -> None:
    server.pages["/"] = answer(307, Location=server.url("/elsewhere"))
    answered = await posted(poster(server), server.url("/"))
    assert (answered.status, [each.target for each in server.asked]) == (307, ["/"])


async def test_a_name_that_turns_private_is_not_connected_to(server: ScriptedServer) -> None:
    """It is judged where the socket connects, each time."""
    names = Names(shop=[["127.0.0.1"]])
    closed = Poster(FetchPolicy(), names, seconds=SECONDS)
    with pytest.raises(FetchFailed) as raised:
        await posted(closed, "https://shop.example.com/")
    assert raised.value.reason is FetchReason.BLOCKED_ADDRESS
    assert (names.asked, server.connections) == (["shop.example.com"], 0)
