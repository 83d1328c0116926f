"""A small HTTP server that does as it is told, lies and dawdles included."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Asked:
    target: str  # as on the request line
    headers: dict[str, str]  # names in lower case


class ScriptedServer:
    """Listens on 127.0.0.1 while the context lasts; `pages` has a path's raw answer, or what sends it."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes | Handler] = {}
        self.asked: list[Asked] = []
        self.connections = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._answer(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # The client may hang up at any moment: that is what most tests here are about.
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                request_line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                target = request_line.split(" ")[1]
                headers = dict(line.split(": ", 1) for line in lines if line)
                self.asked.append(Asked(target, {name.lower(): value for name, value in headers.items()}))
                page = self.pages.get(target, answer(404))
                if isinstance(page, bytes):
                    writer.write(page)
                    await writer.drain()
                else:
                    await page(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """A whole answer; a header's name is written with `_` for `-`. Content-Length is right unless given."""
    fields = {"Content_Length": str(len(body)), **headers}
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items()]
    return f"HTTP/1.1 {status} X\r\n{''.join(lines)}\r\n".encode() + body


def redirect(location: str, status: int = 302) -> bytes:
    return answer(status, Location=location, Set_Cookie="session=secret; Path=/")


def then_silence(start: bytes) -> Handler:
    """Sends `start`, then nothing, until the client hangs up."""

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        await reader.read()

    return send


def then_for_ever(start: bytes, part: bytes, seconds: float = 0) -> Handler:
    """Sends `start`, then `part` again and again, `seconds` apart, until the client hangs up."""

    async def send(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(seconds)

    return send
