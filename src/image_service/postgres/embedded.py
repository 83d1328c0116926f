"""The private PostgreSQL of the default setup: a real server on a unix socket, started and stopped by the service.

One thread starts and watches the server, because the kernel ends the server with the thread that started it. The
thread restarts the server after each unexpected exit, until `stop()`. If one of the server's child processes is
killed, the server recovers by itself, unseen by the watcher.
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

from image_service.backoff import Backoff
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

SETTINGS = {
    "listen_addresses": "",  # no TCP port
    "unix_socket_permissions": "0700",
    "fsync": "on",  # the default, made explicit: committed data survive a power failure
    "shared_buffers": "64MB",
    "max_parallel_workers_per_gather": "0",  # workers use /dev/shm, which has 64 MB in a container
    "log_checkpoints": "off",  # else a line every five minutes
    "log_timezone": "UTC",
    "timezone": "UTC",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Running:
    programs: Path  # the directory of the programs
    account: int  # the user id that they run under


class EmbeddedPostgres:
    """A server with its data below `root` (created if missing) and up to `max_connections` clients."""

    def __init__(self, root: Path, *, max_connections: int = 60) -> None:
        self._directory = PostgresDirectory(root.resolve())
        self._max_connections = max_connections
        self._stopping = threading.Event()
        self._mutex = threading.Lock()  # no start may happen after `stop()`
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: threading.Thread | None = None
        self._lock: int | None = None

    @property
    def url(self) -> str:
        """The URL for SQLAlchemy with asyncpg. Any account that may enter the socket's directory is superuser."""
        return database_url(self._directory.socket)

    @staticmethod
    def join(root: Path) -> str | None:
        """The URL of the server that runs on this directory, no matter which process started it.

        Raises `EmbeddedPostgresError` if the caller has no access.
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
        """The server last started on this directory; None if there was none, or it is gone."""
        directory = PostgresDirectory(root.resolve())
        try:
            program, _, _ = (directory.data / "postmaster.opts").read_text().partition(' "')
            account = directory.data.stat().st_uid
        except FileNotFoundError:
            return None
        return Running(Path(program).parent, account)

    def start(self) -> None:
        """Return when the server accepts connections. Blocks.

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
        """Signal the server, if it still runs, and wait for its end."""
        if self._watcher is not None and self._watcher.is_alive():
            if self._process is not None:
                self._process.send_signal(number)
            self._watcher.join(seconds)

    def _watch(self, started: Future[None]) -> None:
        """The thread's body: start the server, and restart it until `stop()`."""
        try:
            process = self._launch(may_initialise=True)
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result(None)
        backoff = Backoff()
        while True:
            since = time.monotonic()
            status = process.wait()
            ran = time.monotonic() - since
            if not self._stopping.is_set():
                log.error("PostgreSQL ended with status %s, starting it again", status)
            while not self._stopping.wait(backoff.pause(ran)):
                ran = 0.0
                try:
                    process = self._launch(may_initialise=False)
                    break
                except (EmbeddedPostgresError, OSError) as error:
                    log.error("PostgreSQL does not start: %s", error)
            else:
                return

    def _launch(self, *, may_initialise: bool) -> subprocess.Popen[bytes]:
        """Start the server once and wait until it accepts connections.

        If data vanish while the service runs (an unmounted volume), this creates no new database.
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
