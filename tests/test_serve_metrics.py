"""`/metrics` of a real service: its processes added up, its dead forgotten, its files gone at the end."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from image_service.telemetry.metrics_files import PREFIX
from tests.processes import PROGRAM, Server, command, eventually, family
from tests.scrape import Scrape
from tests.shop import form
from tests.slow import SlowUpload
from tests.test_metrics import documented


@pytest.fixture(scope="module")
def temporary() -> Iterator[Path]:
    """With a path so short that a socket may lie in it."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, temporary: Path) -> Iterator[Server]:
    """Two workers."""
    server = Server(tmp_path_factory.mktemp("service"), "--workers", "2", program=program(temporary))
    try:
        yield server.ready()
    finally:
        server.end()


def scrape(server: Server) -> Scrape:
    return Scrape(httpx.get(f"{server.url}/metrics").raise_for_status().text)


def folder_in(temporary: Path) -> Path:
    """Where the processes count."""
    [found] = temporary.glob(f"{PREFIX}*")
    return found


def program(temporary: Path) -> tuple[str | Path, ...]:
    """Whose temporary files lie there: nobody may look into its environment for where they are."""
    return ("env", f"TMPDIR={temporary}", PROGRAM)


def workers(server: Server) -> set[int]:
    return {line["pid"] for line in server.logged(event="request")}


def test_workers_are_added_up_and_what_the_dead_have_counted_stays(server: Server) -> None:
    lists = {"route": "/products/{product_id}/images", "method": "GET", "status": "200"}
    asked = 0

    def both_have_answered() -> bool:
        nonlocal asked
        with server.client() as client:
            assert client.get("/products/1/images").status_code == 200
        asked += 1
        return len(workers(server)) == 2

    eventually(both_have_answered)
    with server.client() as client:
        client.post("/products/1/images", files=form()).raise_for_status()
    assert {each[:2] for each in scrape(server).described()} == {each[:2] for each in documented()}
    eventually(lambda: scrape(server).value("http_requests_total", **lists) == asked)  # each tells the others soon
    assert scrape(server).value("pixel_processes") == 2 * -(-(os.cpu_count() or 1) // 2)
    assert scrape(server).value("database_connections_limit") == 20
    assert scrape(server).value("build_info") == 1

    uploads = [SlowUpload(server.url, server.token) for _ in range(6)]
    eventually(lambda: scrape(server).value("ingest_requests") == len(uploads))
    dead = workers(server)
    for worker in dead:
        os.kill(worker, signal.SIGKILL)
    eventually(lambda: server.logged(level="error")[1:])  # both are missed
    server.ready()
    for upload in uploads:
        with upload:
            assert upload.answered() == b""
    found = scrape(server)
    assert found.value("workers_replaced_total") == 2
    assert found.value("ingest_requests") == 0
    assert found.value("http_requests_total", **lists) == asked
    eventually(lambda: scrape(server).value("database_connections_limit") == 20)


def test_what_the_command_line_has_done_shows(server: Server) -> None:
    before = scrape(server)
    assert before.value("job_last_success_timestamp_seconds", task="sweep") == 0
    with server.client() as client:
        images = [client.post("/products/2/images", files=form()).raise_for_status().json() for _ in range(2)]
        client.delete("/products/1")  # what the tests before have left
    key = images[0]["src"].split("-")[-3]
    (server.data / "blobs" / "private" / key[:2] / key).write_bytes(b"damaged")
    assert command(server.data.parent, "verify").status == 1
    assert command(server.data.parent, "sweep").status == 0
    after = scrape(server)
    assert after.value("verify_originals", state="whole") == 1
    assert after.value("verify_originals", state="damaged") == 1
    assert after.value("sweep_removed", kind="strays") == 0
    assert after.value("job_last_success_timestamp_seconds", task="sweep") > 0

    stamp = after.value("job_last_run_timestamp_seconds", task="sweep")
    assert command(server.data.parent, "sweep", "--dry-run").status == 0  # which has not swept
    assert scrape(server).value("job_last_run_timestamp_seconds", task="sweep") == stamp


def test_the_files_go_with_the_service_or_with_the_next_one(server: Server, temporary: Path, tmp_path: Path) -> None:
    """Last, for it stops the service."""
    folder = folder_in(temporary)
    assert list(folder.glob("counter_*.db"))
    assert server.stop() == 0
    assert not folder.exists()

    killed = Server(tmp_path / "killed", program=program(temporary)).ready()
    abandoned = folder_in(temporary)
    members = family(killed.process.pid)
    killed.process.kill()
    killed.process.wait()
    eventually(lambda: not [pid for pid in members if pid in family(pid)])
    assert abandoned.exists()  # for the next service that starts on this machine
    following = Server(tmp_path / "following", program=program(temporary)).ready()
    try:
        assert not abandoned.exists()
        assert folder_in(temporary).exists()
    finally:
        following.end()
