"""The private PostgreSQL of the default set-up: a real server, on a unix socket, that lives with the service.

One thread starts the server and watches it, because the kernel ends the server with the thread that
started it. The server is started again whenever it ends unasked, until `stop()`. If one of its own processes
is killed it recovers by itself, and the watcher sees nothing of it.
"""

import logging
import os
import signal
import subprocess
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from image_service.postgres.binaries import EmbeddedPostgresError, PostgresNotFound, find_programs
from image_service.postgres.directory import (
    DataDirectoryInUse,
    PostgresDirectory,
    PostgresFailed,
    answers,
    database_url,
    spawn,
)

__all__ = [
    "DataDirectoryInUse",
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "PostgresFailed",
    "PostgresNotFound",
]

START_SECONDS = 300  # a server that crashed first replays up to 1 GB of its log
FAST_SECONDS = 30  # for the fast shutdown, which writes a checkpoint
IMMEDIATE_SECONDS = 10  # for the immediate one, which recovers at the next start
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0  # seconds between restarts, doubling
STEADY_SECONDS = 60  # a server that ran for so long had started well

SETTINGS = {
    "listen_addresses": "",  # no TCP port
    "unix_socket_permissions": "0700",
    "fsync": "on",  # the default, said once more: what is acknowledged survives a power failure
    "shared_buffers": "64MB",
    "max_parallel_workers_per_gather": "0",  # they share memory in /dev/shm, which has 64 MB in a container
    "log_checkpoints": "off",  # else a line every five minutes, for ever
    "log_timezone": "UTC",
    "timezone": "UTC",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Running:
    programs: Path  # the directory of the programs
    account: int  # the user id that they run under


class EmbeddedPostgres:
    """A server with its data below `root` (made if missing) and room for `max_connections` clients."""

    def __init__(self, root: Path, *, max_connections: int = 60) -> None:
        self._directory = PostgresDirectory(root.resolve())
        self._max_connections = max_connections
        self._stopping = threading.Event()
        self._mutex = threading.Lock()  # no start may slip in behind `stop()`
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: threading.Thread | None = None
        self._lock: int | None = None

    @property
    def url(self) -> str:
        """For SQLAlchemy with asyncpg. Any account that may enter the socket's directory is the superuser."""
        return database_url(self._directory.socket)

    @staticmethod
    def join(root: Path) -> str | None:
        """The URL of the server that answers on this directory just now, whichever process started it.

        Raises `EmbeddedPostgresError` if the caller may not look.
        """
        try:
            directory = PostgresDirectory(root.resolve())
            lines = directory.pid_file()
            if len(lines) > 7 and lines[7].strip() == "ready" and answers(directory.socket):
                return database_url(directory.socket)
        except PermissionError as error:
            raise EmbeddedPostgresError(f"{error}: run this as the user that runs the service") from error
        return None

    @staticmethod
    def about(root: Path) -> Running | None:
        """What was started last on this directory; None if nothing ever was, or it has gone."""
        directory = PostgresDirectory(root.resolve())
        try:
            program, _, _ = (directory.data / "postmaster.opts").read_text().partition(' "')
            account = directory.data.stat().st_uid
        except FileNotFoundError:
            return None
        return Running(Path(program).parent, account)

    def start(self) -> None:
        """Return when the server takes connections. Blocks.

        Raises `DataDirectoryInUse`, `PostgresNotFound`, `PostgresFailed`, `EmbeddedPostgresError`.
        """
        self._directory.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = self._directory.take_lock()
        self._lock = lock
        self._stopping.clear()
        started: Future[None] = Future()
        self._watcher = threading.Thread(target=self._watch, args=(started,), name="postgres", daemon=True)
        self._watcher.start()
        try:
            started.result()
        except BaseException:  # Ctrl-C too must leave no server behind
            self.stop()
            raise

    def stop(self) -> None:
        """Return when no process of the server is left; nothing to stop is no error. Blocks."""
        with self._mutex:
            self._stopping.set()
        if self._watcher is not None:
            self._end(signal.SIGINT, FAST_SECONDS)
            self._end(signal.SIGQUIT, IMMEDIATE_SECONDS)
            self._end(signal.SIGKILL, None)
            self._watcher = self._process = None
            self._directory.leave()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _end(self, number: signal.Signals, seconds: float | None) -> None:
        """Signal the server, if it still is there, and wait for its end."""
        if self._watcher is not None and self._watcher.is_alive():
            if self._process is not None:
                self._process.send_signal(number)
            self._watcher.join(seconds)

    def _watch(self, started: Future[None]) -> None:
        """The thread's body: start it, and start it again until asked to stop."""
        try:
            process = self._launch(may_initialise=True)
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result(None)
        pause, since = FIRST_PAUSE, time.monotonic()
        while True:
            status = process.wait()
            if time.monotonic() - since > STEADY_SECONDS:
                pause = FIRST_PAUSE
            if not self._stopping.is_set():
                log.error("PostgreSQL ended with status %s, starting it again", status)
            while not self._stopping.wait(pause):
                pause, since = min(pause * 2, LONGEST_PAUSE), time.monotonic()
                try:
                    process = self._launch(may_initialise=False)
                    break
                except (EmbeddedPostgresError, OSError) as error:
                    log.error("PostgreSQL does not start: %s", error)
            else:
                return

    def _launch(self, *, may_initialise: bool) -> subprocess.Popen[bytes]:
        """Start the server once and wait until it takes connections.

        Data that vanish under a running service (a volume was unmounted) are not made anew.
        """
        directory = self._directory
        server_lock = directory.take_server_lock(self._stopping.wait)
        try:
            programs = find_programs(directory.data)
            directory.prepare(programs.owner)
            if not directory.data.exists():
                if not may_initialise:
                    raise PostgresFailed(f"{directory.data} has gone")
                directory.initialise(programs, server_lock)
            directory.drop_foreign_pid_files()
            settings = {**SETTINGS, "max_connections": str(self._max_connections)}
            flags = [f"--{name}={value}" for name, value in settings.items()]
            with (
                programs.reaching(directory.data) as data,
                programs.reaching(directory.socket) as socket,
                directory.open_log() as output,
                self._mutex,
            ):
                position = output.tell()
                if self._stopping.is_set():
                    raise PostgresFailed("stopped while starting")
                command = programs.command("postgres", "-D", data.name, "-k", socket.name, *flags)
                inherited = (server_lock, *data.descriptors, *socket.descriptors)
                self._process = process = spawn(command, inherited, output.fileno())
        finally:
            os.close(server_lock)  # the server has its own copy
        deadline = time.monotonic() + START_SECONDS
        while not directory.is_ready(process.pid) and not self._stopping.wait(0.01):
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                process.wait()
                said = directory.log.read_bytes()[position:][-2_000:].decode(errors="replace")
                raise PostgresFailed(f"PostgreSQL did not start:\n{said}")
        return process
