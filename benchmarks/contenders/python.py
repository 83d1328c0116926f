"""ASGI applications of our own under uvicorn, as installed: the limits, and the day's-work service."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from benchmarks.contenders.contender import BIN, Contender
from benchmarks.contenders.postgres import Postgres
from benchmarks.places import CHECKOUT, made
from benchmarks.processes import free_port, running

DAYS_WORK = "day's work"
MEMORY = "bare ASGI"
BARE = "bare steps"
RAW = "raw body"
CAGED = "caged steps"
BARE_LIST = "bare asyncpg"


@contextmanager
def _uvicorn(
    name: str, app: str, path: str, env: dict[str, str], *options: str, also: tuple[int, ...] = ()
) -> Iterator[Contender]:
    port = free_port()
    command: list[str | Path] = [BIN / "uvicorn", app, "--app-dir", CHECKOUT, "--port", str(port), *options]
    url = f"http://127.0.0.1:{port}"
    with running(name, command, url + path, made("run", app.replace(":", "-")), env) as pid:
        yield Contender(name, url, (pid, *also))


@contextmanager
def memory(file: Path, media_type: str = "image/jpeg") -> Iterator[Contender]:
    """Answers everything with the file's bytes. It logs nothing."""
    env = {"LIMIT_FILE": str(file), "LIMIT_TYPE": media_type}
    with _uvicorn(MEMORY, "benchmarks.limits.memory:app", "/", env, "--no-access-log") as contender:
        yield contender


def _limit(name: str, app: str, path: str, folder: Path, database: Postgres) -> AbstractContextManager[Contender]:
    env = {"LIMIT_FOLDER": str(folder), "LIMIT_DATABASE": database.plain_url}
    return _uvicorn(name, app, path, env, "--no-access-log", also=(database.pid,))


@contextmanager
def bare(folder: Path, database: Postgres) -> Iterator[Contender]:
    """In a database with the day's-work service's tables. It logs nothing."""
    with _limit(BARE, "benchmarks.limits.bare:app", "/list/0", folder, database) as contender:
        yield contender


@contextmanager
def caged(folder: Path, database: Postgres) -> Iterator[Contender]:
    """In the same database. It logs nothing."""
    with _limit(CAGED, "benchmarks.limits.caged:app", "/ready", folder, database) as contender:
        yield contender


@contextmanager
def days_work(folder: Path, database: Postgres) -> Iterator[Contender]:
    env = {"DAYS_WORK_FOLDER": str(folder), "DAYS_WORK_DATABASE": database.url}
    app, ready = "benchmarks.days_work.app:app", "/products/0/images"
    with _uvicorn(DAYS_WORK, app, ready, env, also=(database.pid,)) as contender:
        yield contender
