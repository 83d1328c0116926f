"""How a running service ends: what is under way is finished, nobody new is let in, the database goes last."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.processes import DEADLINE, PROGRAM, Server, eventually, family, left
from tests.scrape import Scrape
from tests.slow import SlowUpload

Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a service of two workers on this test's data."""
    started: list[Server] = []

    def begin(**settings: Any) -> Server:
        started.append(Server(tmp_path / "service", "--workers", "2", **settings))
        return started[-1].ready()

    yield begin
    for server in started:
        server.end()


def uploading(server: Server) -> SlowUpload:
    """One whose first half the service has."""
    upload = SlowUpload(server.url, server.token)
    eventually(lambda: Scrape(httpx.get(f"{server.url}/metrics").text).value("ingest_requests") == 1)
    return upload


def health(server: Server, name: str) -> tuple[int, str]:
    answer = httpx.get(f"{server.url}/health/{name}")
    return answer.status_code, answer.json()["status"]


def is_refused(server: Server) -> bool:
    try:
        httpx.get(f"{server.url}/health/live")
    except httpx.ConnectError:
        return True
    except httpx.TransportError:  # cut off: it came just before the end of listening
        return False
    return False


def is_shut_down(server: Server) -> bool:
    return "database system is shut down" in (server.postgres / "postgres.log").read_text().splitlines()[-1]


def test_an_upload_under_way_is_finished(start: Start) -> None:
    server = start(STOP_DELAY="6")
    with uploading(server) as upload:
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: health(server, "ready") == (503, "stopping"))
        assert health(server, "live") == (200, "live")
        with server.client() as client:
            assert client.get("/products/1/images").json() == []  # others are served as well
        eventually(lambda: is_refused(server))  # now they are sent away at once
        assert server.process.poll() is None
        assert upload.finish() == b"HTTP/1.1 201 Created"
        assert server.process.wait(DEADLINE) == 0
    assert is_shut_down(server)
    assert not server.logged(level="error")

    again = start()
    with again.client(server.token) as client:
        assert len(client.get("/products/1/images").json()) == 1


def test_nobody_waits_for_a_service_that_has_nothing_to_do(start: Start) -> None:
    server = start(STOP_GRACE=str(2 * DEADLINE))
    with httpx.Client(base_url=server.url) as idle:  # a connection that is kept is no request
        idle.get("/health/live")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(DEADLINE) == 0
    assert is_shut_down(server)


def test_what_takes_longer_than_the_grace_is_cut_off(start: Start) -> None:
    server = start(STOP_GRACE="1")
    with uploading(server) as upload:
        server.process.send_signal(signal.SIGTERM)
        assert b"201" not in upload.answered()
        assert server.process.wait(DEADLINE) == 0
    assert is_shut_down(server)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(start: Start, number: signal.Signals) -> None:
    server = start(STOP_DELAY="100", STOP_GRACE="1000")
    members = family(server.process.pid)
    with uploading(server) as upload:
        server.process.send_signal(number)
        eventually(lambda: health(server, "ready") == (503, "stopping"))
        server.process.send_signal(number)
        assert upload.answered() == b""
        assert server.process.wait(DEADLINE) == 0
    eventually(lambda: not left(members), 5)
    assert is_shut_down(server)
    (line,) = server.logged(level="warning")
    assert "2 workers are killed" in line["event"]


def test_a_background_job_of_a_script_ends_by_sigint_and_nohup_holds(start: Start) -> None:
    """A script that is no terminal's starts its jobs with SIGINT ignored."""
    server = start(program=["sh", "-c", "trap '' INT HUP; exec \"$@\"", "sh", PROGRAM])
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    ignored = int(status.partition("SigIgn:\t")[2].split()[0], 16)
    assert ignored & 1 << signal.SIGHUP - 1
    assert server.stop(signal.SIGINT) == 0
    assert is_shut_down(server)
