"""The loader, against a server that counts."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks.loader import Load, Plan, Request


@dataclass
class Counting:
    """Answers with the path; `/refused` with 503, `/never` not at all, `/closes` by closing."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                path = lines[0].split()[1]
                self.asked.append(path)
                length = next((int(line[15:]) for line in lines if line.lower().startswith("content-length:")), 0)
                self.bodies.append(await reader.readexactly(length))
                if path == "/never":
                    await reader.read()  # until the client has gone
                    break
                if path == "/closes":
                    break
                status = "503 Busy\r\nRetry-After: 1" if path == "/refused" else "200 OK"
                writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(path)}\r\n\r\n{path}".encode())
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass  # the client has gone
        finally:
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Counting]:
    counting = Counting()
    listener = await asyncio.start_server(counting.serve, "127.0.0.1", 0)
    counting.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    yield counting
    listener.close()


def _kept(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


async def test_everything_is_asked_once_on_so_many_connections(server: Counting, tmp_path: Path) -> None:
    requests = [Request(f"/{number}") for number in range(20)]
    report = await Load(Plan(server.url, requests, connections=3, keep=str(tmp_path), keep_every=5)).run()
    assert sorted(server.asked) == sorted(request.path for request in requests)
    assert server.connections == 3
    assert sorted(answer.request for answer in report.answers) == list(range(20))
    assert {answer.status for answer in report.answers} == {200}
    assert _kept(tmp_path) == {number: f"/{number}" for number in ("0", "5", "10", "15")}


async def test_bodies_and_methods_are_sent(server: Counting, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"x" * 300_000)
    report = await Load(Plan(server.url, [Request("/", "POST", {}, str(tmp_path / "body"))])).run()
    assert [answer.status for answer in report.answers] == [200]
    assert server.bodies == [b"x" * 300_000]


async def test_refusals_and_broken_connections_are_told_apart(server: Counting) -> None:
    plan = Plan(server.url, [Request("/refused"), Request("/closes"), Request("/ok")], connections=1)
    report = await Load(plan).run()
    assert [(answer.status, answer.retry_after) for answer in report.answers] == [
        (503, True),
        (0, False),
        (200, False),
    ]


async def test_nobody_listens() -> None:
    report = await Load(Plan("http://127.0.0.1:1", [Request("/")])).run()
    assert [answer.status for answer in report.answers] == [0]


async def test_at_a_rate_nobody_is_waited_for(server: Counting) -> None:
    """One that gets no answer holds up none of the others, and is cut off in the end."""
    requests = [Request("/never"), *(Request(f"/{number}") for number in range(20))]
    report = await Load(Plan(server.url, requests, rate=200, seconds=1)).run()
    assert {answer.request for answer in report.answers} == set(range(1, 21))
    assert report.unanswered == 1


async def test_again_from_the_beginning_until_its_time_is_up(server: Counting) -> None:
    report = await Load(Plan(server.url, [Request("/a"), Request("/b")], seconds=0.2, again=True)).run()
    assert len(report.answers) > 2
    assert set(server.asked) == {"/a", "/b"}
