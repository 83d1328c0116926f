"""docs/operations/: each command works, in an operator's order; docs/operations.md has every log event and reason."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PHOTOS
from tests.deploy.files import ROOT
from tests.deploy.machine import OPERATIONS, Machine, machine_in

SOURCE = ROOT / "src" / "image_service"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with machine_in(tmp_path) as machine:
        yield machine


def test_every_command_in_its_order(machine: Machine) -> None:
    photo = (PHOTOS / "rocket.jpg").read_bytes()

    secrets, start, stores, doctor = machine.left.pop("A first deployment")
    machine.run(secrets)
    dotenv = machine.dotenv
    assert (machine.checkout / ".env").stat().st_mode & 0o777 == 0o600
    machine.set_password()
    assert '"ready"' in machine.run(start)
    assert "a second shop" in machine.run(stores)
    assert "database and blob store belong together" in machine.run(doctor)

    machine.paste("A PostgreSQL of your own")
    assert "images" in machine.postgres.run("psql", "--dbname=pictures", "-c", r"\dt")

    with machine.client() as client:
        kept = client.post("/products/1/images", files={"file": ("kept.jpg", photo)}).raise_for_status().json()
    sweep, verify, log = machine.paste("Every day")
    assert sweep.startswith("would be removed: 0 ")
    assert "\nremoved: 0 " in sweep
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

    machine.left.pop("Without Docker")  # tests/packaging/test_installed.py runs it
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
    table = OPERATIONS.split("## Log events")[1].split("\n## ")[0]
    first_cells = re.findall(r"^\| (`.*?`) \| (?:info|warning|error)", table, re.MULTILINE)
    explained = {
        name
        for cell in first_cells
        for name in ([cell[2:-2]] if cell.startswith("``") else re.findall(r"`([^`]+)`", cell))
    }
    logged = set().union(*(constants(f"log.{level}", 0) for level in ("info", "warning", "error", "exception")))
    assert explained == logged


def test_every_reason_of_not_being_ready_is_explained() -> None:
    table = OPERATIONS.split("## Health")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `\w+`: `([^`]+)`", table, re.MULTILINE)) == constants("_reason", 1) | {"not checked"}
