"""An operator's machine, on which the commands of docs/operations/ are run as they are printed."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.deploy.files import ROOT
from tests.deploy.needs import program
from tests.deploy.nginx import free_port
from tests.deploy.postgres import NAME, PASSWORD, OwnPostgres
from tests.processes import DEADLINE, PROGRAM, Server

OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
PAGES = [OPERATIONS, *(page.read_text() for page in sorted((ROOT / "docs" / "operations").glob("*.md")))]


def blocks() -> dict[str, list[str]]:
    """The pages' commands, by the heading that they are under."""
    return {
        section.partition("\n")[0]: found
        for page in PAGES
        for section in re.split(r"^#+ ", page, flags=re.MULTILINE)
        if (found := re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL))
    }


@dataclass
class Machine:
    """An operator's: a checkout, the page's programs on the path, and `docker` as tests/deploy/docker.py has it."""

    checkout: Path
    environment: dict[str, str]
    port: int
    postgres: OwnPostgres
    left: dict[str, list[str]] = field(default_factory=blocks)  # what has not been run yet

    def paste(self, heading: str) -> list[str]:
        """Run all that is under a heading, as from one paste for each block; what each of them printed."""
        return [self.run(block) for block in self.left.pop(heading)]

    def run(self, block: str) -> str:
        here = block.replace("127.0.0.1:8080", f"127.0.0.1:{self.port}")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", here],
            cwd=self.checkout,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=4 * DEADLINE,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def embedded(self, heading: str) -> None:
        """The same beside a service that has its own PostgreSQL, in this checkout."""
        (self.checkout / ".venv").symlink_to(PROGRAM.parent.parent)
        self.environment = {name: value for name, value in self.environment.items() if not name.startswith("PG")}
        server = Server(self.checkout)
        try:
            server.ready()
            self.paste(heading)
        finally:
            server.end()
        assert "galleries" in self.run("pg_restore --list database.dump")
        assert "blobs/private/instance" in self.run("tar -tf originals.tar")

    def set_password(self) -> None:
        """As the image of PostgreSQL does with a new volume."""
        [password] = re.findall(r"^POSTGRES_PASSWORD=([0-9a-f]{64})$", self.dotenv, re.MULTILINE)
        self.postgres.run("psql", "-c", f"ALTER ROLE {NAME} PASSWORD '{password}'")

    @property
    def dotenv(self) -> str:
        return (self.checkout / ".env").read_text()

    def client(self, token: str | None = None) -> httpx.Client:
        token = token or re.findall(r"BOOTSTRAP_TOKEN=(\w+)", self.dotenv)[0]
        url = f"http://127.0.0.1:{self.port}"
        return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=DEADLINE)


@contextmanager
def machine_in(tmp_path: Path) -> Iterator[Machine]:
    """A new one, with a PostgreSQL and no data."""
    program("curl", "curl")
    postgres = OwnPostgres(tmp_path)
    postgres.run("psql", "-c", f"ALTER ROLE {NAME} CREATEDB")  # in the image it is the superuser
    checkout, binaries, data = tmp_path / "checkout", tmp_path / "bin", tmp_path / "data"
    for folder in (checkout / "deploy", binaries, data):
        folder.mkdir(parents=True)
    shutil.copy(ROOT / "deploy" / "env.example", checkout / "deploy")
    port = free_port()
    state = tmp_path / "state.json"
    described = {
        "bin": str(PROGRAM.parent),
        "postgres": str(postgres.directory),
        "port": port,
        "database_port": postgres.port,
        "data": str(data),
    }
    state.write_text(json.dumps(described))
    docker = binaries / "docker"
    words = [sys.executable, "-m", "tests.deploy.docker", str(state)]
    docker.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.join(words)} "$@"\n')
    docker.chmod(0o755)
    path = [str(each) for each in (binaries, PROGRAM.parent, postgres.directory)] + [os.environ["PATH"]]
    superuser = {"PGHOST": "127.0.0.1", "PGPORT": str(postgres.port), "PGUSER": "postgres", "PGPASSWORD": PASSWORD}
    environment = {"PATH": os.pathsep.join(path), "PASSWORD": "of-pictures", "LC_ALL": "C", **superuser}
    machine = Machine(checkout, environment, port, postgres)
    try:
        yield machine
    finally:
        if (checkout / ".env").exists():
            machine.run("docker compose stop nginx service")
        postgres.end()
