"""What the tests of the fetcher share: names that resolve as a test says, and one fetch, begun to end."""

import socket
from ipaddress import ip_network
from typing import Any

import pytest

from image_service.ingest.fetch import Fetcher, FetchFailed, FetchPolicy, FetchReason
from tests.ingest.server import ScriptedServer

PICTURE = bytes(range(256)) * 4


class Names:
    """A resolver: each lookup of a name gives the next of its answers, the last one for ever."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self._answers = answers
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        left = self._answers.get(host.partition(".")[0])
        if left is None:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return left.pop(0) if len(left) > 1 else left[0]


def policy(server: ScriptedServer, **changes: Any) -> FetchPolicy:
    """As in production, except that 127.0.0.1 counts as public, the server's port as a web port."""
    values: dict[str, Any] = {
        "allow_networks": (ip_network("127.0.0.1/32"),),
        "ports": frozenset({80, 443, server.port}),
        **changes,
    }
    return FetchPolicy(**values)


async def fetch(url: str, policy: FetchPolicy, names: Names | None = None) -> tuple[str, str, bytes]:
    received = bytearray()

    async def write(part: bytes) -> None:
        received.extend(part)

    fetcher = Fetcher(policy, resolver=names or Names())
    try:
        fetched = await fetcher.fetch(url, write)
    finally:
        await fetcher.aclose()
    assert fetched.size == len(received)
    return fetched.final_url, fetched.content_type, bytes(received)


async def failure(url: str, policy: FetchPolicy, names: Names | None = None) -> tuple[FetchReason, str]:
    with pytest.raises(FetchFailed) as raised:
        await fetch(url, policy, names)
    return raised.value.reason, raised.value.public
