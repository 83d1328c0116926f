"""A merchant's server that is told of events: it keeps what it gets, and answers as it is told."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

SECONDS = 30  # for what takes one
Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Message:
    path: str
    headers: dict[str, str]  # names in lower case
    raw: bytes
    body: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "body", json.loads(self.raw))

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def type(self) -> str:
        kind: str = self.body["type"]
        return kind

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.body["data"]
        return data


def answer(status: int, **headers: str) -> bytes:
    """A header's name is written with `_` for `-`."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n{lines}\r\n".encode()


async def silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


class Receiver:
    """Listens on 127.0.0.1 while the context lasts; `answers` are by path."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.got: list[Message] = []
        self.connections = 0
        self._news = asyncio.Condition()
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

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def at(self, path: str) -> list[Message]:
        return [each for each in self.got if each.path == path]

    async def wait(self, count: int, path: str = "/") -> list[Message]:
        """Until it has got so many; all of them."""
        async with asyncio.timeout(SECONDS), self._news:
            await self._news.wait_for(lambda: len(self.at(path)) >= count)
        return self.at(path)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._receive(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request after the other, as they come on a connection."""
        try:
            self.connections += 1
            while True:
                first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                assert first.startswith("POST ")
                pairs = (line.split(": ", 1) for line in lines if line)
                headers = {name.lower(): value for name, value in pairs}
                body = await reader.readexactly(int(headers["content-length"]))
                message = Message(first.split(" ")[1], headers, body)
                self.got.append(message)
                async with self._news:
                    self._news.notify_all()
                reply = self.answers.get(message.path, answer(204))
                if isinstance(reply, bytes):
                    writer.write(reply)
                    await writer.drain()
                else:
                    await reply(writer)
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the other end has closed it
        finally:
            writer.close()
