"""A way to an S3 server on which things go wrong as a test wants it."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    head: bytes  # with the empty line
    body: bytes


@dataclass
class Exchange:
    """One request, and the two connections."""

    request: Request
    client: asyncio.StreamWriter
    upstream: tuple[str, int]
    passed: list[int]  # bytes of answers, one number for each

    async def forward(self, *, most: int | None = None, flip: bool = False) -> None:
        """Ask the server, and pass on its answer, or as much of it as may be."""
        body = bytes([self.request.body[0] ^ 1]) + self.request.body[1:] if flip else self.request.body
        reader, writer = await asyncio.open_connection(*self.upstream)
        try:
            writer.write(self.request.head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + body)
            head = await reader.readuntil(b"\r\n\r\n")
            self.client.write(head)
            left = most
            self.passed.append(0)
            this = len(self.passed) - 1
            while (left is None or left > 0) and (chunk := await reader.read(65536 if left is None else left)):
                self.client.write(chunk)
                await self.client.drain()
                self.passed[this] += len(chunk)
                left = None if left is None else left - len(chunk)
        finally:
            writer.close()

    async def swallow(self) -> None:
        """Let the server do it all, and answer nothing."""
        reader, writer = await asyncio.open_connection(*self.upstream)
        writer.write(self.request.head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + self.request.body)
        await reader.read()
        writer.close()

    def reset(self) -> None:
        raw: socket.socket = self.client.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.transport.abort()


Fault = Callable[[Exchange], Awaitable[None]]


def answers(status: str, code: str = "Fault") -> Fault:
    async def fault(exchange: Exchange) -> None:
        body = f"<Error><Code>{code}</Code></Error>".encode()
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        exchange.client.write(head.encode() + body)

    return fault


async def passes(exchange: Exchange) -> None:
    await exchange.forward()


async def resets(exchange: Exchange) -> None:
    """The server never hears of it."""
    exchange.reset()


async def loses_the_answer(exchange: Exchange) -> None:
    await exchange.swallow()
    exchange.reset()


async def stalls(exchange: Exchange) -> None:
    """Until the client gives up."""
    await exchange.client.wait_closed()


async def flips_a_bit(exchange: Exchange) -> None:
    """Of what is uploaded."""
    await exchange.forward(flip=True)


def cuts(after: int) -> Fault:
    """So many bytes of the answer's body come, then the connection ends: a reset could overtake them."""

    async def fault(exchange: Exchange) -> None:
        await exchange.forward(most=after)

    return fault


class S3Proxy:
    """`async with S3Proxy(endpoint) as proxy`: clients go to `proxy.endpoint`."""

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self._upstream = (parts.hostname or "", parts.port or 0)
        self._faults: list[tuple[str, Fault]] = []
        self._lasting: tuple[str, Fault] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.seen: list[Request] = []
        self.passed: list[int] = []

    def fail(self, method: str, *faults: Fault) -> None:
        """The next requests of this method, one fault each."""
        self._faults += [(method, fault) for fault in faults]

    def fail_always(self, method: str, fault: Fault) -> None:
        """Every request whose method is this, or any for "*", until `heal`."""
        self._lasting = (method, fault)

    def heal(self) -> None:
        self._faults, self._lasting = [], None

    def methods(self) -> list[str]:
        return [request.method for request in self.seen]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.endpoint = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
            request = Request(method, target, head, await reader.readexactly(int(fields.get(b"content-length", b"0"))))
            self.seen.append(request)
            await self._fault(method)(Exchange(request, writer, self._upstream, self.passed))
        except (OSError, EOFError):
            pass  # either of them has gone
        finally:
            writer.close()

    def _fault(self, method: str) -> Fault:
        for wanted in self._faults:
            if wanted[0] == method:
                self._faults.remove(wanted)
                return wanted[1]
        if self._lasting and self._lasting[0] in {method, "*"}:
            return self._lasting[1]
        return passes
