"""Two services over one PostgreSQL and one folder of blobs, and nginx before them."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx

from tests.deploy.nginx import Nginx
from tests.processes import DEADLINE, Server, command, eventually, family, left

BUCKET = 200  # calls of each store; a test takes a store of its own


@dataclass(frozen=True)
class Replicas:
    servers: list[Server]
    nginx: Nginx
    folder: Path
    database_url: str

    def run(self, *arguments: str) -> str:
        """A command beside them."""
        done = command(self.folder / "commands", *arguments, DATABASE_URL=self.database_url)
        assert done.status == 0, done.err
        return done.out

    def client(self, token: str) -> httpx.AsyncClient:
        """Through nginx, which asks one replica after the other."""
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.nginx.port}", headers=headers, timeout=DEADLINE)

    def asked(self) -> list[int]:
        """How many requests each has answered."""
        return [len(server.logged(event="request")) for server in self.servers]


def start(folder: Path, database_url: str, number: int) -> Server:
    return Server(
        folder / f"replica-{number}-{uuid4().hex}",
        DATABASE_URL=database_url,
        DATA_DIR=str(folder / "data"),
        DELIVERY_URL="http://images.test",
        FETCH_ALLOW_PRIVATE="true",
        RATE_LIMIT_BUCKET=str(BUCKET),
        RATE_LIMIT_PER_SECOND="0.001",  # nothing leaks during a test
    )


def kill(server: Server) -> None:
    """All of it at once, as if its machine had lost its power."""
    members = family(server.process.pid)
    for pid in members:
        os.kill(pid, signal.SIGKILL)
    server.process.wait()
    eventually(lambda: not left(members))
