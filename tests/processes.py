"""The installed program, run as a user would run it."""

import atexit
import json
import multiprocessing
import os
import pkgutil
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeVar

import httpx

from image_service import cli

PROGRAM = Path(sys.executable).parent / "image-service"
DEADLINE = 120  # seconds for what happens by itself; a noisy machine takes its time
# Pixel processes yield to all others, and tests fill the machine: a slow one is not what they are about.
PATIENT = dict.fromkeys(("CHECK_SECONDS", "CHECK_WAIT", "DRAW_SECONDS", "DRAW_WAIT"), str(DEADLINE))

Value = TypeVar("Value")


def eventually(look: Callable[[], Value | None], seconds: float = DEADLINE) -> Value:
    """What `look` answers once that is true. It is asked less often the longer it takes."""
    since = time.monotonic()
    while not (value := look()):
        waited = time.monotonic() - since
        assert waited < seconds, f"not within {seconds} s: {look}"
        time.sleep(min(0.02 + waited / 20, 0.1))
    return value


def environment(data: Path, **settings: str) -> dict[str, str]:
    """That of the tests, without settings of the machine's own; and a user's Python keeps its bytecode.

    A name that begins with AWS_ is a variable as it stands.
    """
    machine = ("IMAGE_SERVICE_", "AWS_", "PYTHONDONTWRITEBYTECODE")
    outside = {name: value for name, value in os.environ.items() if not name.startswith(machine)}
    named = {k if k.startswith("AWS_") else f"IMAGE_SERVICE_{k}": v for k, v in (PATIENT | settings).items()}
    return {**outside, "IMAGE_SERVICE_DATA_DIR": str(data), **named}


def family(pid: int) -> dict[int, str]:
    """A process and all that came of it, each with the time of its start, which tells it from a later namesake."""
    found: dict[int, str] = {}
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        if (process := _process(int(folder.name))) is not None:
            parents[int(folder.name)], found[int(folder.name)] = process
    members = {pid}
    while more := {child for child, parent in parents.items() if parent in members} - members:
        members |= more
    return {each: found[each] for each in members if each in found}


def left(members: dict[int, str]) -> list[int]:
    """Those that still run."""
    running = {pid: process for pid in members if (process := _process(pid)) is not None}
    return [pid for pid, (_, started) in running.items() if started == members[pid]]


def _process(pid: int) -> tuple[int, str] | None:
    """Its parent, and the time of its start; None where it does not run."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else (int(fields[1]), fields[19])


class Server:
    """`image-service serve` on a port of its own choice, in a process group of its own.

    `new`: on nothing at all, where a first start takes seconds to make a database; else it finds one without a store.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        program: Sequence[str | Path] = (PROGRAM,),
        stdout: int | None = None,
        new: bool = False,
        **settings: str,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.data = folder / "data"
        if not (new or self.data.exists() or settings.keys() & {"DATABASE_URL", "DATA_DIR"}):
            self.postgres.mkdir(parents=True)
            self.postgres.chmod(0o700)
            subprocess.run(["cp", "--archive", _migrated(), self.postgres], check=True)
        self.log_file = folder / "log"
        self.log_file.touch()
        self._skip = self.log_file.stat().st_size
        self._printed = folder / "printed"
        with self.log_file.open("ab") as log, self._printed.open("wb") as printed:
            self.process = subprocess.Popen(
                [*program, "serve", "--port", "0", *options],
                stdin=subprocess.DEVNULL,
                stdout=printed if stdout is None else stdout,
                stderr=log,
                env=environment(self.data, **settings),
                cwd=folder,
                start_new_session=True,
            )
        self.token = ""

    @cached_property
    def url(self) -> str:
        """It is read once: a service that gives up ends its log with words for a person."""
        return str(eventually(lambda: self.logged(event="starting"))[0]["url"])

    @property
    def printed(self) -> str:
        return self._printed.read_text()

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    @property
    def postmaster(self) -> int:
        return int((self.postgres / "pgdata" / "postmaster.pid").read_text().split()[0])

    def logged(self, **fields: Any) -> list[dict[str, Any]]:
        """The log's lines of this start that have these fields. Every line must be JSON."""
        whole = self.log_file.read_bytes()[self._skip :].rpartition(b"\n")[0]
        lines: list[dict[str, Any]] = [json.loads(line) for line in whole.splitlines()]
        return [line for line in lines if fields.items() <= line.items()]

    def ready(self) -> "Server":
        with httpx.Client(base_url=self.url, timeout=DEADLINE) as client:
            eventually(lambda: self._is_ready(client))
        if "Bearer " in self.printed:
            self.token = self.printed.split("Bearer ")[1].split("'")[0]
        return self

    @staticmethod
    def _is_ready(client: httpx.Client) -> bool:
        try:
            return client.get("/health/ready").status_code == 200
        except httpx.ConnectError:  # with a DATABASE_URL it listens once the schema is there
            return False

    def client(self, token: str | None = None) -> httpx.Client:
        """Every request on a connection of its own, so that any worker may answer it."""
        headers = {"Authorization": f"Bearer {token or self.token}", "Connection": "close"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=DEADLINE)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """The exit status. The whole group gets the signal, as from Ctrl-C."""
        members = family(self.process.pid)
        os.killpg(self.process.pid, number)
        status = self.process.wait(DEADLINE)
        eventually(lambda: not left(members), 5)
        return status

    def end(self) -> None:
        """Whatever has happened, leave nothing behind."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(DEADLINE)


@contextmanager
def serving(folder: Path, **settings: Any) -> Iterator[Server]:
    """A server that is ready, until the block ends."""
    server = Server(folder, **settings)
    try:
        yield server.ready()
    finally:
        server.end()


def paste(line: str) -> Any:
    """Give a printed `curl` line to a shell, or do what it says where there is no curl; the JSON of the answer."""
    if shutil.which("curl"):
        done = subprocess.run(["bash", "-c", line], capture_output=True, check=True, timeout=DEADLINE)
        return json.loads(done.stdout)
    words = iter(shlex.split(line)[1:])
    headers, files, url = {}, {}, ""
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-F":
            name, _, path = next(words).partition("=@")
            files[name] = (Path(path).name, Path(path).read_bytes())
        else:
            url = word
    return httpx.request("POST" if files else "GET", url, headers=headers, files=files or None).json()


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


_forked = multiprocessing.get_context("forkserver")
# All of them: a command would import its own module alone, but each time.
_forked.set_forkserver_preload([each.name for each in pkgutil.walk_packages(cli.__path__, f"{cli.__name__}.")])


def command(folder: Path, *arguments: str, stdin: str = "", output: Path | None = None, **settings: str) -> Done:
    """`image-service …` in a process of its own, forked from one that has imported the program already."""
    folder.mkdir(exist_ok=True)
    files = [folder / "stdin", output or folder / "stdout", folder / "stderr"]
    files[0].write_text(stdin)
    env = environment(folder / "data", **settings)
    process = _forked.Process(target=_main, args=([str(each) for each in files], env, list(arguments)))
    process.start()
    process.join(DEADLINE)
    assert process.exitcode is not None
    return Done(process.exitcode, "" if output else files[1].read_text(), files[2].read_text())


@cache
def _migrated() -> Path:
    """The data of a private PostgreSQL with this version's schema, made once in each process of the tests."""
    folder = tempfile.TemporaryDirectory(prefix="image-service-migrated-")
    atexit.register(folder.cleanup)
    done = command(Path(folder.name), "migrate")
    assert done.status == 0, done.err
    return Path(folder.name) / "data" / "postgres" / "pgdata"


def _main(files: list[str], env: dict[str, str], arguments: list[str]) -> None:
    os.environ.clear()
    os.environ.update(env)
    os.dup2(os.open(files[0], os.O_RDONLY), 0)
    os.dup2(os.open(files[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    os.dup2(os.open(files[2], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    sys.stdin = os.fdopen(0)
    sys.argv = ["image-service", *arguments]
    from image_service.cli.main import main  # noqa: PLC0415 - the tests' own process has no use for it

    main()
