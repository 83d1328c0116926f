"""The private PostgreSQL: really started, really killed."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote

import asyncpg
import pytest

from image_service.postgres.directory import PostgresDirectory
from image_service.postgres.embedded import (
    DataDirectoryInUse,
    EmbeddedPostgres,
    EmbeddedPostgresError,
    PostgresFailed,
    PostgresNotFound,
)
from tests.databases import connected, rows, rows_again, write_row

DEADLINE = 30  # seconds, for whatever must happen by itself

# A service that starts the database, says so, and waits to be killed.
SERVICE = """
import sys
from pathlib import Path
from image_service.postgres.embedded import EmbeddedPostgres
database = EmbeddedPostgres(Path(sys.argv[1]))
database.start()
print(database.url, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """Below a directory that only we may enter."""
    tmp_path.chmod(0o700)
    return tmp_path / "postgres"


@pytest.fixture(scope="module")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a first start makes, which takes it a second."""
    root = tmp_path_factory.mktemp("initialised")
    with running(root):
        pass
    return root / "pgdata"


@pytest.fixture
def root(empty: Path, initialised: Path) -> Path:
    """The same, after a first start."""
    empty.mkdir()
    subprocess.run(["cp", "--archive", initialised, empty], check=True)
    return empty


@contextmanager
def running(root: Path) -> Iterator[EmbeddedPostgres]:
    database = EmbeddedPostgres(root)
    database.start()
    try:
        yield database
    finally:
        database.stop()


def socket_directory(database: EmbeddedPostgres) -> Path:
    return Path(unquote(database.url.partition("?host=")[2]))


def server(root: Path) -> int:
    """The process id of the postmaster."""
    return int((root / "pgdata" / "postmaster.pid").read_text().split()[0])


def processes(root: Path) -> list[str]:
    """Every living process of the server, by its working directory, which is the data directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended, or is a zombie
            if (process / "cwd").readlink() == root / "pgdata":
                found.append(process.name)
    return found


async def wait_gone(root: Path) -> None:
    deadline = time.monotonic() + DEADLINE
    while processes(root):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_second_start_keeps_the_data(empty: Path) -> None:
    with running(empty) as database:
        await write_row(database.url)
    assert processes(empty) == []
    with running(empty) as database:
        assert await rows(database.url) == [7]


async def test_it_is_durable_private_and_off_the_network(empty: Path) -> None:
    with running(empty) as database:
        async with connected(database.url) as connection:
            for name, value in {
                "fsync": "on",
                "full_page_writes": "on",
                "synchronous_commit": "on",
                "data_checksums": "on",
                "listen_addresses": "",
                "max_connections": "60",
                "server_encoding": "UTF8",
            }.items():
                assert await connection.fetchval("SELECT current_setting($1)", name) == value
        assert len(processes(empty)) > 1  # so that the tests below see what they look for
        assert os.getsid(server(empty)) != os.getsid(0)  # Ctrl-C in a terminal does not reach it
        assert [(empty / name).stat().st_mode & 0o777 for name in ("pgdata", "run")] == [0o700, 0o700]


async def test_a_killed_server_comes_back(root: Path) -> None:
    with running(root) as database:
        for kept in ([7], [7, 7]):
            await write_row(database.url)
            killed = server(root)
            os.kill(killed, signal.SIGKILL)
            assert await rows_again(database.url) == kept
            assert server(root) != killed
    assert processes(root) == []


async def test_a_killed_backend_does_not_end_the_server(root: Path) -> None:
    with running(root) as database:
        await write_row(database.url)
        before = server(root)
        connection = await asyncpg.connect(database.url.replace("+asyncpg", ""))
        os.kill(connection.get_server_pid(), signal.SIGKILL)
        connection.terminate()
        assert await rows_again(database.url) == [7]
        assert server(root) == before


@pytest.mark.parametrize("at_once", [False, True])
async def test_the_server_ends_with_a_killed_service(root: Path, at_once: bool) -> None:
    service = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVICE, root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert service.stdout is not None
    url = (await service.stdout.readline()).decode().strip()
    assert EmbeddedPostgres.join(root) == url
    await write_row(url)
    service.kill()
    await service.communicate()
    if not at_once:
        await wait_gone(root)
        assert EmbeddedPostgres.join(root) is None
    with running(root) as database:
        assert await rows(database.url) == [7]


async def test_a_former_server_that_does_not_end_by_itself(root: Path) -> None:
    """Its service was killed, and it does not do what it is asked: it is asked less kindly."""
    service = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVICE, str(root), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert service.stdout is not None
    await write_row((await service.stdout.readline()).decode().strip())
    os.kill(server(root), signal.SIGSTOP)
    service.kill()
    await service.communicate()
    ends = ((signal.SIGINT, 0.1), (signal.SIGQUIT, 0.1), (signal.SIGKILL, DEADLINE))
    os.close(PostgresDirectory(root).take_server_lock(threading.Event().wait, ends))
    assert processes(root) == []
    with running(root) as database:
        assert await rows(database.url) == [7]


async def test_two_services_on_one_directory_are_refused(root: Path) -> None:
    with running(root) as database:
        await write_row(database.url)
        with pytest.raises(DataDirectoryInUse, match=f"in use by process {os.getpid()}"):
            EmbeddedPostgres(root).start()
        with pytest.raises(DataDirectoryInUse):
            database.start()
        assert await rows(database.url) == [7]


async def test_another_program_joins(root: Path) -> None:
    assert EmbeddedPostgres.join(root) is None
    with running(root) as database:
        program = f"""
from pathlib import Path
from image_service.postgres.embedded import EmbeddedPostgres
print(EmbeddedPostgres.join(Path({str(root)!r})))
"""
        joined = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", program], check=True, capture_output=True, text=True
        )
        assert joined.stdout.strip() == database.url
    assert EmbeddedPostgres.join(root) is None


@pytest.mark.parametrize("name", ["x" * 100, "with space, comma: colon"])
async def test_a_path_that_no_socket_can_have(root: Path, name: str) -> None:
    root = await asyncio.to_thread(root.rename, root.with_name(name))
    with running(root) as database:
        await write_row(database.url)
        assert EmbeddedPostgres.join(root) == database.url
        assert await rows(database.url) == [7]
        assert socket_directory(database).stat().st_mode & 0o777 == 0o700
    assert not socket_directory(database).exists()


def test_a_socket_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    root = tmp_path / ("x" * 100)
    trap = socket_directory(EmbeddedPostgres(root))
    trap.symlink_to(tmp_path)
    try:
        with pytest.raises(EmbeddedPostgresError, match="belongs to someone else"):
            EmbeddedPostgres(root).start()
    finally:
        trap.unlink()


async def test_a_stale_pid_file_that_names_a_living_process(root: Path) -> None:
    with running(root) as database:
        await write_row(database.url)
        said = (root / "pgdata" / "postmaster.pid").read_text().splitlines()
    pid_file = root / "pgdata" / "postmaster.pid"
    for left in (pid_file, root / "run" / ".s.PGSQL.5432.lock"):
        left.write_text("\n".join([str(os.getppid()), *said[1:], ""]))
    with running(root) as database:
        assert await rows(database.url) == [7]


async def test_an_interrupted_initdb_is_begun_again(empty: Path) -> None:
    (empty / "pgdata.new").mkdir(parents=True)
    (empty / "pgdata.new" / "PG_VERSION").write_text("18\n")
    with running(empty) as database:
        await write_row(database.url)
    assert not (empty / "pgdata.new").exists()


def test_a_long_log_is_put_aside(root: Path) -> None:
    (root / "postgres.log").write_bytes(b"x" * 10_000_001)
    with running(root):
        assert (root / "postgres.log.1").stat().st_size == 10_000_001
        assert (root / "postgres.log").stat().st_size < 10_000


async def test_a_server_that_cannot_start_says_why(root: Path) -> None:
    with pytest.raises(PostgresFailed, match="max_connections"):
        EmbeddedPostgres(root, max_connections=-1).start()
    assert processes(root) == []
    with running(root) as database:
        await write_row(database.url)


def test_data_of_a_version_that_is_not_here(empty: Path) -> None:
    (empty / "pgdata").mkdir(parents=True)
    (empty / "pgdata" / "PG_VERSION").write_text("9\n")
    with pytest.raises(PostgresNotFound, match="needs PostgreSQL 9; found: "):
        EmbeddedPostgres(empty).start()


def test_stop_without_start_does_nothing(tmp_path: Path) -> None:
    EmbeddedPostgres(tmp_path / "unused").stop()
    assert not (tmp_path / "unused").exists()
