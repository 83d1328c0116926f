"""Servers as processes: started, waited for, watched and ended, with all that came of them. Linux only: /proc."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

START_SECONDS = 90
STOP_SECONDS = 60
LOOK_SECONDS = 0.1  # between two looks at the memory; one costs the watched processes nothing, and us 1 ms each
TICKS = os.sysconf("SC_CLK_TCK")


class NotStarted(Exception):
    """The message says which server, and ends with what it printed."""


def family(roots: Sequence[int]) -> set[int]:
    """These processes and all that came of them."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    members = {pid for pid in roots if pid in parents}
    while more := {child for child, parent in parents.items() if parent in members} - members:
        members |= more
    return members


def cpu_seconds(roots: Sequence[int]) -> float:
    """User and system, of the family and of its children that have ended.

    Of running processes to the nanosecond, with their threads that have ended: by the kernel's clock of each process.
    Of children that have ended, as /proc has it: of each parent's, together, up to two ticks (20 ms) are lost.
    """
    total = 0.0
    for pid in family(roots):
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[13:15])) / TICKS + time.clock_gettime(_cpu_clock(pid))
    return total


def _cpu_clock(pid: int) -> int:
    """As clock_getcpuclockid(3) makes it, which Python has not got."""
    return ~pid << 3 | 2


def memory_bytes(roots: Sequence[int]) -> int:
    """Of the family. A page that several map is divided among them (PSS), so that the sum is what is really taken."""
    total = 0
    for pid in family(roots):
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


@dataclass
class Watch:
    cpu_seconds: float = 0.0
    peak_bytes: int = 0


@contextmanager
def watched(roots: Sequence[int], every: float = LOOK_SECONDS) -> Iterator[Watch]:
    """What they cost while the block runs; to be read after it. Looking takes processor time, some milliseconds."""
    watch, done = Watch(peak_bytes=memory_bytes(roots)), threading.Event()

    def look() -> None:
        while not done.wait(every):
            watch.peak_bytes = max(watch.peak_bytes, memory_bytes(roots))

    looker = threading.Thread(target=look)
    before = cpu_seconds(roots)
    looker.start()
    try:
        yield watch
    finally:
        watch.cpu_seconds = cpu_seconds(roots) - before
        done.set()
        looker.join()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running(
    name: str, command: Sequence[str | Path], ready: str, folder: Path, env: Mapping[str, str] | None = None
) -> Iterator[int]:
    """A server while the block runs; its process id. `ready`: a URL that answers below 400 once it is.

    What it prints goes to folder/log. Raises `NotStarted`.
    """
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the programs that are to be measured
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**_outside(), **(env or {})},
            cwd=folder,
            start_new_session=True,
        )
    try:
        _wait(name, process, ready, log)
        yield process.pid
    finally:
        _end(process)


def _outside() -> dict[str, str]:
    """Our own environment, but a user's Python keeps its bytecode: without that each start would compile the source."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _wait(name: str, process: subprocess.Popen[bytes], ready: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with httpx.Client(timeout=5) as client:
        while True:
            with suppress(httpx.TransportError):
                if client.get(ready).status_code < 400:
                    return
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotStarted(f"{name} did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.02)


def _end(process: subprocess.Popen[bytes]) -> None:
    """By SIGTERM, then by SIGKILL for what is left of its group."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
