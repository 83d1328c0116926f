"""`image-service serve`, as a real process: what it prints, what it answers with, how it ends and comes back."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from image_service.database.locks import Lock
from tests.databases import connected
from tests.processes import DEADLINE, PROGRAM, Server, command, environment, eventually, family, left, paste
from tests.shop import form

StartServer = Callable[..., Server]

WAITS_TO_MIGRATE = """SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
    AND pid <> pg_backend_pid() AND query LIKE '%pg_try_advisory_lock%')"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartServer]:
    """Starts a service on this test's data."""
    started: list[Server] = []

    def begin(*options: str, **more: Any) -> Server:
        started.append(Server(tmp_path / "service", *options, **more))
        return started[-1]

    yield begin
    for server in started:
        server.end()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two workers."""
    server = Server(tmp_path_factory.mktemp("service"), "--workers", "2")
    try:
        yield server.ready()
    finally:
        server.end()


def curl_lines(printed: str) -> list[str]:
    return [line.strip() for line in printed.splitlines() if line.strip().startswith("curl ")]


def images(server: Server, token: str | None = None) -> list[int]:
    with server.client(token) as client:
        return [image["id"] for image in client.get("/products/1/images").raise_for_status().json()]


def without_curl(printed: str, folder: Path) -> str:
    """What the other line prints, pasted into a shell that is in another folder and has no program on its path."""
    [line] = [line for line in printed.splitlines() if " upload " in line]
    return subprocess.run(
        [shutil.which("sh") or "", "-c", line], cwd=folder, env={"PATH": ""}, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_from_the_first_start_to_the_last_stop(start: StartServer, tmp_path: Path) -> None:
    first = start(new=True).ready()
    assert "Store 1 was made" in first.printed
    upload, listing = curl_lines(first.printed)
    made = paste(upload)
    assert [image["id"] for image in paste(listing)] == [made["id"]]
    assert first.logged(method="POST", status=201)
    url, other = without_curl(first.printed, tmp_path), paste(listing)[1]
    assert (url, httpx.get(url).headers["Content-Type"]) == (other["src"], "image/jpeg")
    assert first.stop(signal.SIGINT) == 0
    events = [line["event"] for line in first.logged() if line["event"] != "request"]
    assert [event.partition(":")[0] for event in events] == [
        "starting",
        "pixel processes are caged",
        "stopping",
        "stopped",
    ]  # no library's chatter
    log = first.postgres / "postgres.log"
    assert "database system is shut down" in log.read_text().splitlines()[-1]

    second = start().ready()
    assert "Store" not in second.printed
    assert "Bearer" not in second.printed
    assert images(second, first.token) == [made["id"], other["id"]]
    members = family(second.process.pid)
    second.process.kill()
    second.process.wait()
    eventually(lambda: not left(members))

    reader, writer = os.pipe()
    os.close(reader)  # nobody reads what the third one prints
    third = start(stdout=writer).ready()
    os.close(writer)
    assert images(third, first.token) == [made["id"], other["id"]]
    assert "standard output" in third.logged(level="warning")[0]["event"]
    assert third.stop(signal.SIGTERM) == 0
    assert "database system is shut down" in log.read_text().splitlines()[-1]
    assert first.token not in first.log_file.read_text() + log.read_text()


def answering(server: Server) -> int:
    """The worker that answers just now."""
    name = uuid4().hex
    httpx.get(f"{server.url}/health/live", headers={"X-Request-Id": name, "Connection": "close"}, timeout=DEADLINE)
    return int(eventually(lambda: server.logged(request_id=name))[0]["pid"])


def other_than(server: Server, worker: int) -> int:
    """The worker that answers while this one is held."""
    os.kill(worker, signal.SIGSTOP)
    try:
        return answering(server)
    finally:
        os.kill(worker, signal.SIGCONT)


def test_every_worker_answers_and_one_that_is_killed_is_replaced(server: Server) -> None:
    first = answering(server)
    second = other_than(server, first)
    assert first != second
    os.kill(first, signal.SIGKILL)
    eventually(lambda: server.logged(level="error"))
    third = other_than(server, second)
    assert third not in {first, second}
    assert len(server.logged(level="error")) == 1


def test_one_log_line_a_request_without_secrets(server: Server) -> None:
    with server.client() as client:
        answer = client.get("/products/1/images", params={"access_token": server.token})
    (line,) = eventually(lambda: server.logged(request_id=answer.headers["X-Request-Id"]))
    expected = {"event": "request", "method": "GET", "path": "/products/1/images", "status": 200, "store": 1}
    assert expected.items() <= line.items()
    assert server.token not in server.log_file.read_text()


def test_the_database_may_be_killed_and_comes_back_by_itself(server: Server) -> None:
    with server.client() as client:
        made = client.post("/products/2/images", files=form()).raise_for_status().json()
        pgdata, away = server.postgres / "pgdata", server.postgres / "pgdata.away"
        postmaster = server.postmaster
        pgdata.rename(away)  # it cannot come back before we have looked
        os.kill(postmaster, signal.SIGKILL)
        answer = eventually(lambda: gone(client.get("/products/2/images")), 10)
        assert answer.json() == {
            "code": 503,
            "message": "Service Unavailable",
            "description": "Try again in a moment",
        }
        assert int(answer.headers["Retry-After"]) > 0
        refused = client.post("/v2/images.json", files=form())
        assert refused.status_code == 503
        assert refused.json()["status"] == "ERROR"
        assert refused.json()["message"] == "Service Unavailable"
        assert client.get("/health/ready").status_code == 503
        assert client.get("/health/live").status_code == 200
        away.rename(pgdata)
        eventually(lambda: client.get("/health/ready").status_code == 200)
        assert [image["id"] for image in client.get("/products/2/images").json()] == [made["id"]]
        assert client.get("/products/2/images").status_code == 200
    assert server.postmaster != postmaster


def gone(answer: httpx.Response) -> httpx.Response | None:
    assert answer.status_code in {200, 503}, answer.text
    return answer if answer.status_code == 503 else None


def serve(folder: Path, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """One that is expected to give up."""
    command = [str(PROGRAM), "serve", *options]
    env = environment(folder / "data", **settings)
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=folder, timeout=DEADLINE, check=False)


def test_a_port_that_is_taken_is_said_in_a_line_and_nothing_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = serve(tmp_path, "--port", str(port))
    said = f"image-service: cannot listen on 127.0.0.1 port {port}: Address already in use\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)
    assert list(tmp_path.iterdir()) == []


async def test_while_a_replica_migrates_others_get_its_requests(start: StartServer, empty_database: str) -> None:
    """It refuses connections, so nginx passes by; one that waited for a migration would wait for minutes."""
    async with connected(empty_database) as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", Lock.MIGRATE)  # as another replica that migrates
        server = start(DATABASE_URL=empty_database)
        url = await asyncio.to_thread(lambda: server.url)
        async with asyncio.timeout(DEADLINE):
            while not await connection.fetchval(WAITS_TO_MIGRATE):  # noqa: ASYNC110 - there is no event to await
                await asyncio.sleep(0.02)
        async with httpx.AsyncClient(base_url=url) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get("/health/ready")
    await asyncio.to_thread(server.ready)


def test_a_setting_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    done = serve(tmp_path, WORKERS="many")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("image-service: IMAGE_SERVICE_WORKERS: ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []

    other = command(tmp_path, "migrate", WORKRES="2")  # every command reads them as `serve` does
    assert (other.status, other.err) == (1, "image-service: IMAGE_SERVICE_WORKRES: there is no such setting\n")

    done = serve(tmp_path, STORAGE_URL="gs://bucket/prefix")
    assert done.returncode == 1
    assert done.stderr == "image-service: IMAGE_SERVICE_STORAGE_URL: it must be file:///… or s3://bucket/prefix\n"

    without = "import sys; sys.modules['obstore'] = None; from image_service.cli.main import main; main()"
    env = environment(tmp_path / "data", STORAGE_URL="s3://bucket")
    done = subprocess.run(
        [sys.executable, "-c", without, "serve"], capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == 1
    assert "s3:// needs obstore: pip install 'image-service[s3]'" in done.stderr


def test_a_database_that_is_not_there_is_said_in_a_line(tmp_path: Path) -> None:
    done = serve(tmp_path, "--port", "0", DATABASE_URL=f"postgresql://me@/mine?host={tmp_path}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith("image-service: ")
    assert "Traceback" not in done.stderr


def test_an_application_that_cannot_start_ends_the_service(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "staging").write_text("a file where a folder must be")
    done = serve(tmp_path, "--port", "0")
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[-1].startswith("image-service: the service could not be started")
    assert not (tmp_path / "data" / "postgres" / "pgdata" / "postmaster.pid").exists()
