"""The load that wrk cannot make: every request once, large bodies, or at a given rate whatever comes back.

A program of its own (`python -m benchmarks.loader PLAN`), so that it takes no time from what it measures; it states
its own CPU. wrk repeats its requests until its time is up, but a picture is cold only once.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import count, cycle
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop


@dataclass(frozen=True)
class Request:
    path: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""  # a file


@dataclass(frozen=True)
class Plan:
    url: str
    requests: list[Request]
    connections: int = 8  # each asks again when it has its answer
    rate: float = 0.0  # requests a second, started on time and not awaited; 0: as `connections` go
    seconds: float = 0.0  # end then, with what is under way cut off; 0: when all have been asked
    again: bool = False  # begin anew after the last
    keep: str = ""  # a folder for bodies, to be looked at
    keep_every: int = 20


@dataclass
class Answer:
    request: int  # its place in the plan
    status: int  # 0: none
    ms: float
    retry_after: bool = False


@dataclass
class Report:
    seconds: float
    cpu_seconds: float
    answers: list[Answer]
    unanswered: int  # cut off at the end


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.open = cast(asyncio.Transport, transport), True  # uvloop's are no subclass of it

    def ask(self, head: bytes, body: bytes, *, keep: bool) -> None:
        self.answer = asyncio.get_running_loop().create_future()
        self.status, self.retry_after, self._keep = 0, False, keep
        self.body: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(head)
        if body:
            self._transport.write(body)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"retry-after":
            self.retry_after = True
        elif name == b"connection" and value.lower() == b"close":
            self.open = False

    def on_body(self, data: bytes) -> None:
        if self._keep:
            self.body.append(data)

    def on_message_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if not self.answer.done():
            self.answer.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if not self.answer.done():
            self.answer.set_result(None)

    def close(self) -> None:
        self.open = False
        self._transport.abort()


@cache
def _content(path: str) -> bytes:
    return Path(path).read_bytes() if path else b""


class Load:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        at = urlsplit(plan.url)
        self._host, self._port = at.hostname or "", at.port or 80
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._answers: list[Answer] = []
        self._under_way = 0

    async def run(self) -> Report:
        for request in self._plan.requests:
            _content(request.body)  # read before the clock starts
        since, cpu = time.perf_counter(), time.process_time()
        try:
            async with asyncio.timeout(self._plan.seconds or None):
                await (self._at_its_rate() if self._plan.rate else self._in_turn())
        except TimeoutError:
            pass
        report = Report(time.perf_counter() - since, time.process_time() - cpu, self._answers, self._under_way)
        for connection in self._all:
            connection.close()
        return report

    def _order(self) -> Iterator[int]:
        places = range(len(self._plan.requests))
        return cycle(places) if self._plan.again else iter(places)

    async def _in_turn(self) -> None:
        order = self._order()

        async def client() -> None:
            for place in order:
                await self._one(place)

        async with asyncio.TaskGroup() as group:
            for _ in range(self._plan.connections):
                group.create_task(client())

    async def _at_its_rate(self) -> None:
        since = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number, place in zip(count(), self._order(), strict=False):
                await asyncio.sleep(max(0.0, since + number / self._plan.rate - time.perf_counter()))
                group.create_task(self._one(place))

    async def _one(self, place: int) -> None:
        request = self._plan.requests[place]
        body = _content(request.body)
        headers = {"Host": f"{self._host}:{self._port}", **request.headers}
        if body:
            headers["Content-Length"] = str(len(body))
        lines = [f"{request.method} {request.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        keep = bool(self._plan.keep) and place % self._plan.keep_every == 0
        self._under_way += 1
        since = time.perf_counter()
        try:
            connection = await self._connection()
            connection.ask("\r\n".join([*lines, "", ""]).encode(), body, keep=keep)
            await connection.answer
        except OSError:  # refused, or reset
            self._answers.append(Answer(place, 0, (time.perf_counter() - since) * 1000))
            self._under_way -= 1
            return
        ms = (time.perf_counter() - since) * 1000
        self._under_way -= 1
        self._answers.append(Answer(place, connection.status, ms, connection.retry_after))
        if keep:
            (Path(self._plan.keep) / str(place)).write_bytes(b"".join(connection.body))
        if connection.open:
            self._idle.append(connection)
        else:
            connection.close()
            self._all.discard(connection)

    async def _connection(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                return connection
            self._all.discard(connection)
        _, made = await asyncio.get_running_loop().create_connection(Connection, self._host, self._port)
        self._all.add(made)
        return made


def main() -> None:
    told = json.loads(Path(sys.argv[1]).read_text())
    plan = Plan(**{**told, "requests": [Request(**each) for each in told["requests"]]})
    report = uvloop.run(Load(plan).run())
    json.dump(asdict(report), sys.stdout)


if __name__ == "__main__":
    main()
