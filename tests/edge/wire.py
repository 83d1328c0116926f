"""A service behind a real socket, and clients that write whatever bytes they like to it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from image_service.edge.protocol import protocol_of
from tests.conftest import Service

PATIENCE = 20.0  # seconds for what happens at once, on a noisy machine


@asynccontextmanager
async def listening(service: Service, app: ASGIApp | None = None, send_buffer: int | None = None) -> AsyncIterator[int]:
    """The port; `app` stands before the service's own, `send_buffer` is how many bytes the system takes for a client
    that takes none.

    What `uvicorn.Server` does but for its signals and its lifespan: the service runs already."""
    config = uvicorn.Config(
        app or service.app,
        http=protocol_of(service.settings.connection_limits, service.settings.trusted_proxies),
        ws="none", lifespan="off",
        log_config=None, access_log=False, server_header=False, proxy_headers=False,
    )  # fmt: skip
    config.load()
    state = ServerState()
    protocol = config.http_protocol_class
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=state, app_state={}),  # type: ignore[call-arg]
        "127.0.0.1",
        0,
    )
    if send_buffer is not None:
        server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    port: int = server.sockets[0].getsockname()[1]
    try:
        yield port
    finally:
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        while state.connections:  # noqa: ASYNC110 - uvicorn's server waits for them just so
            await asyncio.sleep(0.01)
        await server.wait_closed()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One connection."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        """`source`: the client's address, any of 127.0.0.0/8."""
        self._port = port
        self._source = source

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", self._port, limit=2**20, local_addr=(self._source, 0)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> Answer:
        """The next one. Raises `IncompleteReadError` where the connection ends instead."""
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status_line, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(status_line.split(" ")[1]), headers, body)

    async def ended(self) -> bytes:
        """What still comes before the other side ends the connection; a reset is an end, too."""
        rest = b""
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionError):
                while part := await self.reader.read(65536):
                    rest += part
        return rest


async def ask(port: int, data: bytes, source: str = "127.0.0.1") -> list[Answer]:
    """All answers to `data`, on a connection of its own, until the other side ends it or has no more to say."""
    answers = []
    async with Wire(port, source) as wire:
        await wire.send(data)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                answers.append(await wire.answer())
                if answers[-1].headers.get("connection") == "close":
                    break
    return answers
