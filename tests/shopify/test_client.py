"""Shopify's own client for Python, over a running service."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.files import ROOT
from tests.hosting import hosted
from tests.processes import DEADLINE, Server
from tests.shop import png


@pytest.fixture
def pictures(tmp_path: Path) -> Iterator[str]:
    """The URL of a host with one picture."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "front.png").write_bytes(png("blue"))
    with hosted(folder) as url:
        yield url


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a service with the settings that it is given."""
    with ExitStack() as stack:

        def server(**settings: Any) -> Server:
            started = Server(tmp_path / "server", **settings)
            stack.callback(started.end)
            return started.ready()

        yield server


def script(server: Server, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.shopify.script", server.url, server.token, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_script_works_as_it_is(start: Callable[..., Server], pictures: str, tmp_path: Path) -> None:
    (tmp_path / "side.png").write_bytes(png("red"))
    script(start(FETCH_ALLOW_PRIVATE="true"), f"{pictures}/front.png", str(tmp_path / "side.png"))


def test_a_script_that_keeps_within_the_limit_finds_what_it_reads(start: Callable[..., Server]) -> None:
    """By the very names that it looks for: they have capitals on the wire."""
    server = start(RATE_LIMIT_BUCKET="2", RATE_LIMIT_PER_SECOND="0.001")
    script(server)
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=DEADLINE) as connection:
        connection.sendall(b"GET /admin/products.json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        head = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")[0]
    for name in (b"X-Shopify-Shop-Api-Call-Limit: 1/2", b"WWW-Authenticate: ", b"X-Request-Id: "):
        assert b"\r\n" + name in head
    assert b"content-length: " in head
    assert b"transfer-encoding" not in head.lower()
