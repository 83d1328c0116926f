"""`image-service doctor`: on a sound installation, running and not, and on one where everything is wrong."""

import asyncio
import json
import re
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from image_service.cli.doctor import kept
from image_service.cli.doctor.findings import Finding, Level
from image_service.database import migrations
from image_service.database.database import Database
from image_service.images import instance
from image_service.storage.local import LocalStorage
from image_service.storage.staging import Staging
from tests.faults.tracing import needs_strace
from tests.ingest.server import ScriptedServer
from tests.processes import DEADLINE, PROGRAM, Done, Server, command, environment

SOUND = [
    "settings", "disk", "libvips", "heic", "pixel process", "cage", "service", "clients", "public url", "postgres",
    "database", "connections", "clock of database", "migrations", "jobs", "webhooks", "storage", "clock of storage",
    "instance",
]  # fmt: skip


def by_check(done: Done) -> dict[str, dict[str, str]]:
    return {each["check"]: each for each in done.json["findings"]}


def levels(done: Done, level: str) -> set[str]:
    return {each["check"] for each in done.json["findings"] if each["level"] == level}


def test_a_sound_installation_while_it_runs_and_while_it_does_not(tmp_path: Path) -> None:
    server = Server(tmp_path)
    try:
        port = server.ready().url.rpartition(":")[2]
        running = command(tmp_path, "doctor", "--json", PORT=port, PUBLIC_URL=server.url)
        assert (running.status, running.json["ok"], levels(running, "fail")) == (0, True, set())
        assert [each["check"] for each in running.json["findings"]] == SOUND
        assert by_check(running)["service"]["found"] == f"is ready at http://127.0.0.1:{port}"
        assert by_check(running)["cage"]["found"].startswith("dropped privileges, closed memory, Landlock (ABI ")
        [versions] = [each["versions"] for each in running.json["findings"] if each["versions"]]
        assert {"libvips", "pyvips-binary", "libpng", "mozjpeg"} <= versions.keys()
        server.stop()
        stopped = command(tmp_path, "doctor", PORT=port)
    finally:
        server.end()
    assert stopped.status == 0
    assert f"ok    service: does not run at http://127.0.0.1:{port}\n" in stopped.out
    assert "ok    migrations: at " in stopped.out
    assert not (server.postgres / "pgdata/postmaster.pid").exists(), "it stops what it has started"


@needs_strace
def test_a_layer_of_the_cage_that_the_kernel_lacks(tmp_path: Path) -> None:
    """As Linux before 5.13 answers."""
    lacking = ("-e", "trace=landlock_create_ruleset", "-e", "inject=landlock_create_ruleset:error=ENOSYS")
    done = subprocess.run(
        ["strace", "--follow-forks", "-qq", "-o", "/dev/null", *lacking, PROGRAM, "doctor", "--json"],
        env=environment(tmp_path / "data", PORT="1"),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=True,
    )
    held, lacked = [each for each in json.loads(done.stdout)["findings"] if each["check"] == "cage"]
    assert (held["level"], held["found"]) == ("ok", "dropped privileges, closed memory, filter of system calls")
    assert (lacked["level"], lacked["found"]) == ("warn", "no Landlock: [Errno 38] Function not implemented")
    assert "5.13" in lacked["mend"]


def test_one_address_that_holds_nearly_all_connections(tmp_path: Path) -> None:
    server = Server(tmp_path, CONNECTIONS="8")
    try:
        port = server.ready().url.rpartition(":")[2]
        with ExitStack() as stack:
            for _ in range(6):
                wire = stack.enter_context(socket.create_connection(("127.0.0.1", int(port)), timeout=DEADLINE))
                wire.sendall(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
                assert wire.recv(100).startswith(b"HTTP/1.1 200")
            done = command(tmp_path, "doctor", "--json", PORT=port, CONNECTIONS="8")
    finally:
        server.end()
    assert (done.status, by_check(done)["clients"]["level"]) == (0, "warn")
    assert re.fullmatch(r"[678] of 8, [678] of them of one address", by_check(done)["clients"]["found"])
    assert "TRUSTED_PROXIES" in by_check(done)["clients"]["mend"]


def test_the_page_shows_what_it_prints() -> None:
    page = (Path(__file__).parents[2] / "docs" / "shell.md").read_text().partition("## Doctor")[2]
    shown = re.findall(r"^(?:ok  |warn|fail)  ([a-z ]+): ", page, re.MULTILINE)
    assert shown == [check for check in SOUND if check != "public url"]


def test_before_the_first_start_nothing_is_made(tmp_path: Path) -> None:
    done = command(tmp_path, "doctor", "--json", PORT="1")
    assert done.status == 0
    assert "the first start of `serve` makes it" in by_check(done)["database"]["found"]
    assert not (tmp_path / "data").exists()


async def test_all_that_is_wrong_is_named_with_what_mends_it(
    tmp_path: Path, empty_database: str, server: ScriptedServer
) -> None:
    (tmp_path / "data").mkdir()
    done = await asyncio.to_thread(  # `server` answers meanwhile
        command,
        tmp_path,
        "doctor",
        "--json",
        DATABASE_URL=empty_database,
        DATABASE_CONNECTIONS="1000",
        STORAGE_URL="file:///proc/nowhere",
        ANONYMOUS_STORE="1",
        PORT=str(server.port),
    )
    assert (done.status, done.json["ok"]) == (1, False)
    assert levels(done, "fail") >= {"connections", "storage", "service"}
    assert levels(done, "warn") == {"settings", "migrations"}
    assert all(each["mend"] for each in done.json["findings"] if each["level"] != "ok")


def test_settings_that_cannot_be_read(tmp_path: Path) -> None:
    mistyped, unusable = command(tmp_path, "doctor", "--json", PROT="80"), command(tmp_path, "doctor", PORT="x")
    assert (mistyped.status, unusable.status) == (1, 1)
    assert mistyped.json["findings"][0]["found"] == "IMAGE_SERVICE_PROT: there is no such setting"
    assert unusable.out.startswith("fail  settings: IMAGE_SERVICE_PORT: Input should be a valid integer")


@pytest.mark.parametrize("token", ["a token with blanks in it", "ñandú-ñandú-ñandú-ñandú"])
def test_a_token_that_no_store_may_have_is_told_before_anything_is_started(tmp_path: Path, token: str) -> None:
    said = "IMAGE_SERVICE_BOOTSTRAP_TOKEN: must be 20 to 200 printable ASCII characters without blanks"
    for name in ("doctor", "serve"):
        done = command(tmp_path, name, BOOTSTRAP_STORE="1", BOOTSTRAP_TOKEN=token)
        assert (done.status, said in done.out + done.err) == (1, True)
        assert token not in done.out + done.err
    assert not (tmp_path / "data").exists()


async def test_a_schema_that_is_not_this_version_s(empty_database: str) -> None:
    assert [(each.level, each.found.split(",")[0]) async for each in kept.schema(empty_database)] == [
        (Level.WARN, "the database is empty")
    ]
    await migrations.upgrade(empty_database)
    assert [each.level async for each in kept.schema(empty_database)] == [Level.OK]
    connection = await asyncpg.connect(empty_database.replace("+asyncpg", ""))
    await connection.execute("UPDATE alembic_version SET version_num = 'later'")
    await connection.close()
    [finding] = [each async for each in kept.schema(empty_database)]
    assert (finding.level, "it is at later" in finding.found) == (Level.FAIL, True)


async def test_bytes_of_another_installation(database: Database, tmp_path: Path) -> None:
    mine, foreign = LocalStorage(tmp_path / "mine"), LocalStorage(tmp_path / "foreign")
    staging = Staging(tmp_path / "staging")

    async def told(storage: LocalStorage) -> dict[str, Finding]:
        found = kept.blobs(storage, staging, database, has_schema=True)
        return {each.check: each async for each in found}

    assert "neither holds an image yet" in (await told(mine))["instance"].found
    await instance.claim(database, mine, staging)
    assert (await told(mine))["instance"].level is Level.OK
    (tmp_path / "foreign/private").mkdir(parents=True)
    (tmp_path / "foreign/private/instance").write_text("00000000-0000-0000-0000-000000000001")
    finding = (await told(foreign))["instance"]
    assert (finding.level, finding.mend[:14]) == (Level.FAIL, "do not sweep! ")


@pytest.fixture
async def database(empty_database: str) -> AsyncIterator[Database]:
    await migrations.upgrade(empty_database)
    database = Database(empty_database, connections=2)
    yield database
    await database.close()


@pytest.mark.parametrize(
    ("seconds", "level", "found"),
    [
        (1, Level.OK, "agrees with this machine's"),
        (-3, Level.OK, "agrees with this machine's"),
        (12, Level.WARN, "10 s ahead of this machine's"),
        (-600, Level.FAIL, "600 s behind this machine's"),
    ],
)
def test_clocks(seconds: int, level: Level, found: str) -> None:
    before = datetime(2026, 1, 1, tzinfo=UTC)
    after = before + timedelta(seconds=2)
    finding = kept.clock("database", before + timedelta(seconds=seconds), before, after)
    assert (finding.level, finding.found) == (level, found)
