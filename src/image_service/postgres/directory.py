"""The files of the private PostgreSQL, and what they tell about a running server.

root/pgdata/        the database, 0700; created as pgdata.new and renamed when initdb has succeeded
root/run/           the socket, 0700; or a link to a short directory elsewhere, see `short_directory`
root/postgres.log   the server's log
root/lock           held by the service that owns these files
root/server.lock    inherited and held by every server process: free means that none is left
"""

import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from image_service.postgres.binaries import EmbeddedPostgresError
from image_service.postgres.programs import Programs
from image_service.storage.durable import fsync

# Signals that end an old server, and seconds to wait after each. SIGINT asks for a last checkpoint; Linux, unlike other
# systems, has already sent it. PostgreSQL 18 may hang forever if it gets SIGINT during recovery. The other signals
# lose no data: the server recovers at its next start.
ENDS = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))
LOG_BYTES = 10_000_000  # a longer log becomes postgres.log.1 at the next start
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_BYTES = 103  # sun_path less its NUL: 107 on Linux, 103 on macOS


class DataDirectoryInUse(EmbeddedPostgresError):
    """Another service, or another part of this one, uses this directory for its database."""


class PostgresFailed(EmbeddedPostgresError):
    """PostgreSQL did not start; the message ends with its output."""


def short_directory(root: Path) -> Path:
    """The socket's directory: root/run, unless its path is too long for an address or needs quoting."""
    directory = root / "run"
    path = str(directory / SOCKET_NAME)
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES and re.fullmatch(r"[A-Za-z0-9_./+-]+", path):
        return directory
    return Path(tempfile.gettempdir()) / f"image-service-{hashlib.sha256(os.fsencode(root)).hexdigest()[:16]}"


def database_url(socket_in: Path) -> str:
    return f"postgresql+asyncpg://postgres@/postgres?host={quote(str(socket_in))}"


def answers(socket_in: Path) -> bool:
    """Whether a server listens there."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        try:
            connection.connect(str(socket_in / SOCKET_NAME))
        except (FileNotFoundError, ConnectionRefusedError, TimeoutError):
            return False
    return True


def spawn(command: list[str], inherited: Sequence[int], output: int) -> subprocess.Popen[bytes]:
    """Start a PostgreSQL program. All its processes hold the inherited descriptors, such as the lock.

    The kernel ends it with the calling thread. It has its own session, so that Ctrl-C in a terminal only
    reaches the service, which stops the database last. It gets none of the service's environment.
    """
    return subprocess.Popen(  # noqa: S603 - our own programs
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
        cwd="/",
        pass_fds=inherited,
        start_new_session=True,
    )


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass(frozen=True)
class PostgresDirectory:
    root: Path  # absolute

    @property
    def data(self) -> Path:
        return self.root / "pgdata"

    @property
    def log(self) -> Path:
        return self.root / "postgres.log"

    @property
    def socket(self) -> Path:
        """The directory of the socket, for clients."""
        run = self.root / "run"
        return run.readlink() if run.is_symlink() else short_directory(self.root)

    def take_lock(self) -> int:
        """A descriptor that holds the directory until it is closed. Raises `DataDirectoryInUse`."""
        lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        if not _try_lock(lock):
            owner = os.pread(lock, 20, 0).decode()
            os.close(lock)
            raise DataDirectoryInUse(f"{self.root} is in use by process {owner}: one service at a time")
        os.truncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        return lock

    def take_server_lock(
        self, wait: Callable[[float], bool], ends: Sequence[tuple[signal.Signals, float]] = ENDS
    ) -> int:
        """A descriptor for the next server to inherit. Waits until no process of the last server is left.

        `wait(seconds)` sleeps, and returns True to give up. Raises `DataDirectoryInUse` if it takes too long.
        """
        lock = os.open(self.root / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
        if _try_lock(lock):
            return lock
        for number, seconds in ends:
            self._end_orphan(number)
            deadline = time.monotonic() + seconds
            while not (is_over := wait(0.02)) and time.monotonic() < deadline:
                if _try_lock(lock):
                    return lock
            if is_over:
                break
        os.close(lock)
        raise DataDirectoryInUse(f"a former PostgreSQL still runs on {self.root}")

    def _end_orphan(self, number: signal.Signals) -> None:
        """Signal a server whose service was killed."""
        lines = self.pid_file()
        if lines and answers(self.socket):  # so the process id was not reused
            os.kill(int(lines[0]), number)

    def prepare(self, owner: tuple[int, int]) -> None:
        """Create the directories, private to `owner` (user and group id), even if another account owned them."""
        self._link_socket()
        self.socket.mkdir(mode=0o700, exist_ok=True)
        found = self.socket.lstat()  # in a world-writable directory it may be a trap
        is_ours = found.st_uid in {os.geteuid(), owner[0]} or (os.geteuid() == 0 and self.socket.parent == self.root)
        if not stat.S_ISDIR(found.st_mode) or not is_ours:
            raise EmbeddedPostgresError(f"{self.socket} belongs to someone else: remove it")
        self.socket.chmod(0o700)
        if os.geteuid() == 0:
            os.chown(self.socket, *owner)
            if self.data.exists() and self.data.stat().st_uid != owner[0]:
                for path in (*self.data.rglob("*"), self.data):  # `data` last: it marks completion
                    os.chown(path, *owner, follow_symlinks=False)

    def _link_socket(self) -> None:
        """Make root/run the socket's directory or a link to it. The root may have been renamed."""
        run, directory = self.root / "run", short_directory(self.root)
        if run.is_symlink():
            run.unlink()
        if directory != run:
            with suppress(FileNotFoundError):
                shutil.rmtree(run)
            run.symlink_to(directory)

    def leave(self) -> None:
        """Remove a socket directory outside the root."""
        run = self.root / "run"
        if run.is_symlink():
            with suppress(OSError):  # it does not exist, or is not ours
                self.socket.rmdir()
            run.unlink()

    def initialise(self, programs: Programs, server_lock: int) -> None:
        """Create an empty database. Leaves none if interrupted. Raises `PostgresFailed`."""
        unfinished = self.root / "pgdata.new"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(unfinished, *programs.owner)
        with programs.reaching(unfinished) as folder:
            command = programs.command(
                "initdb", f"--pgdata={folder.name}", "--username=postgres", "--data-checksums",
                "--auth=trust",  # the socket's directory restricts access
                "--encoding=UTF8", "--no-locale",  # byte order: the same on every system, forever
            )  # fmt: skip
            process = spawn(command, (server_lock, *folder.descriptors), subprocess.PIPE)
        said, _ = process.communicate()
        if process.returncode != 0:
            raise PostgresFailed(f"initdb failed:\n{said.decode(errors='replace')}")
        unfinished.rename(self.data)
        fsync(self.root)

    def drop_foreign_pid_files(self) -> None:
        """Remove a dead server's pid files if their process is not PostgreSQL. Call this when no server is left.

        PostgreSQL removes them unless a process with that id exists: an unreaped zombie, or a reused id. Both
        are common in containers, and PostgreSQL would then refuse to start forever.
        """
        for path in (self.data / "postmaster.pid", self.socket / f"{SOCKET_NAME}.lock"):
            with suppress(FileNotFoundError, IndexError, ValueError):
                about = Path(f"/proc/{int(path.read_text().splitlines()[0])}/stat").read_text()
                name, state = about[about.index("(") + 1 : about.rindex(")")], about[about.rindex(")") + 2]
                if state == "Z" or name != "postgres":
                    path.unlink()

    def open_log(self) -> BinaryIO:
        """Positioned at its end."""
        self.log.touch(mode=0o600)
        if self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
            self.log.touch(mode=0o600)
        return self.log.open("ab")

    def pid_file(self) -> list[str]:
        """The lines of postmaster.pid: process, data directory, start, port, socket directory, …, state."""
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def is_ready(self, process: int) -> bool:
        """Whether the server with this process id accepts connections: a dead one's file stays "ready"."""
        lines = self.pid_file()
        return len(lines) > 7 and lines[0] == str(process) and lines[7].strip() == "ready"
