"""docs/operations.md: each of its commands works, in its order; each reason and log event of the service is in it."""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.conftest import PHOTOS
from tests.deploy.files import ROOT
from tests.deploy.needs import program
from tests.deploy.nginx import free_port
from tests.deploy.postgres import NAME, PASSWORD, OwnPostgres
from tests.processes import DEADLINE, PROGRAM, Server

PAGE = (ROOT / "docs" / "operations.md").read_text()
SOURCE = ROOT / "src" / "image_service"


def blocks() -> dict[str, list[str]]:
    """The page's commands, by the heading that they are under."""
    return {
        section.partition("\n")[0]: found
        for section in re.split(r"^##+ ", PAGE, flags=re.MULTILINE)
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

    def client(self, token: str | None = None) -> httpx.Client:
        token = token or re.findall(r"BOOTSTRAP_TOKEN=(\w+)", (self.checkout / ".env").read_text())[0]
        url = f"http://127.0.0.1:{self.port}"
        return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
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


def test_every_command_in_its_order(machine: Machine) -> None:
    photo = (PHOTOS / "rocket.jpg").read_bytes()

    secrets, start, stores = machine.left.pop("Install")
    machine.run(secrets)
    dotenv = (machine.checkout / ".env").read_text()
    [password] = re.findall(r"^POSTGRES_PASSWORD=([0-9a-f]{64})$", dotenv, re.MULTILINE)
    assert (machine.checkout / ".env").stat().st_mode & 0o777 == 0o600
    machine.postgres.run(
        "psql", "-c", f"ALTER ROLE {NAME} PASSWORD '{password}'"
    )  # as the image does with a new volume
    assert '"ready"' in machine.run(start)
    assert "a second shop" in machine.run(stores)

    machine.paste("A PostgreSQL of your own")
    assert "images" in machine.postgres.run("psql", "--dbname=pictures", "-c", r"\dt")

    with machine.client() as client:
        kept = client.post("/products/1/images", files={"file": ("kept.jpg", photo)}).raise_for_status().json()
    sweep, verify, log = machine.paste("Every day")
    assert sweep.startswith("removed: 0 ")
    assert "1 originals are whole, 0 are not" in verify
    assert all("level" in line for line in log.splitlines())

    machine.paste("Backup")
    assert (machine.checkout / "backup" / "env").read_text() == dotenv
    with machine.client() as client:
        client.post("/products/1/images", files={"file": ("later.jpg", photo)}).raise_for_status()
        assert client.delete(f"/products/1/images/{kept['id']}").status_code == 200
    machine.embedded("The embedded PostgreSQL")
    [restored] = machine.paste("Restore")
    assert "1 originals are whole, 0 are not" in restored
    with machine.client() as client:
        assert client.get("/products/1/images").json() == [kept]
        picture = client.get(kept["src"].removeprefix("http://127.0.0.1:8080"))
        assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/jpeg")

    [version] = machine.paste("Upgrade")
    assert re.search(r"^\d+\.\d+\.\d+$", version, re.MULTILINE)
    [tokens] = machine.paste("Tokens")
    [new] = re.findall(r"shown this once: (\S+)", tokens)
    with machine.client() as old, machine.client(new) as client:
        assert (old.get("/products").status_code, client.get("/products").status_code) == (401, 200)

    assert not machine.left


def constants(function: str, position: int) -> set[str]:
    """Every text that the service's code gives to a call such as `log.error(…)` or `_reason(…)`."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == function and len(node.args) > position:
                argument = node.args[position]
                if isinstance(argument, ast.Constant):
                    found.add(str(argument.value))
    return found


def test_every_log_event_is_explained() -> None:
    table = PAGE.split("## Log events")[1].split("\n## ")[0]
    first_cells = re.findall(r"^\| (`.*?`) \| (?:info|warning|error)", table, re.MULTILINE)
    explained = {
        name
        for cell in first_cells
        for name in ([cell[2:-2]] if cell.startswith("``") else re.findall(r"`([^`]+)`", cell))
    }
    logged = set().union(*(constants(f"log.{level}", 0) for level in ("info", "warning", "error", "exception")))
    assert explained == logged


def test_every_reason_of_not_being_ready_is_explained() -> None:
    table = PAGE.split("## Health")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `\w+`: `([^`]+)`", table, re.MULTILINE)) == constants("_reason", 1) | {"not checked"}
