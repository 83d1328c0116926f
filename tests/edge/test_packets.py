"""An answer takes no more of the network than it needs."""

import asyncio
import socket
import struct
import sys

import pytest

from tests.conftest import Service
from tests.edge.wire import PATIENCE, Wire, listening

DATA_SEGMENTS_IN = struct.Struct("=152xI")  # of Linux's struct tcp_info, <linux/tcp.h>
FOUND = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"
MISSING = b"GET /stores/nothing HTTP/1.1\r\nHost: a\r\n\r\n"


def segments(wire: Wire) -> int:
    """With data, that have come so far."""
    connection = wire.writer.get_extra_info("socket")
    found = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, DATA_SEGMENTS_IN.size)
    [count] = DATA_SEGMENTS_IN.unpack(found)
    return int(count)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts them")
@pytest.mark.parametrize("request_", [FOUND, MISSING], ids=["found", "missing"])
async def test_head_and_body_of_a_small_answer_are_one_segment(service: Service, request_: bytes) -> None:
    async with listening(service) as port, Wire(port) as wire:
        for number in (1, 2, 3):
            await wire.send(request_)
            assert (await wire.answer()).body
            assert segments(wire) == number


async def test_a_head_alone_is_sent_at_once(service: Service) -> None:
    async with listening(service) as port, Wire(port) as wire:
        await wire.send(MISSING.replace(b"GET", b"HEAD"))
        async with asyncio.timeout(PATIENCE):
            head = await wire.reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404 ")
