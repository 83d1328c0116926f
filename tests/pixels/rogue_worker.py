"""The pixel process, in the real cage, with a decoder that has been captured: a file of `ROGUE {act}` is its orders.

What succeeds is answered like a good picture, what fails as a refused one; other files go the usual way. An argument is
how many bytes of memory it may have beside what it has when it starts: the cage's own bound would be a test's to pay.
"""

import ctypes
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from image_service.pixels import worker
from image_service.pixels.limits import broken

PROBE = {"format": "png", "width": 1, "height": 1, "frames": 1, "end": 1, "thumbhash": "AAAAAAAA"}
SELF = Path(__file__)
PTRACE_TRACEME, PR_SET_PDEATHSIG = 0, 1


def segfault() -> None:
    ctypes.string_at(0)


def spin() -> None:
    while True:
        pass


def hoard() -> None:
    kept = []
    while True:
        kept.append(bytes(64 * 1024**2))  # addresses without memory behind them: the test is gentle


def gorge() -> None:
    kept = []
    while True:
        kept.append(b"x" * 4 * 1024**2)  # every page of it written to


def connect() -> None:
    with socket.create_connection(("127.0.0.1", 9)):
        pass


def call(name: str, *arguments: int) -> None:
    """One of the C library's functions."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)


def run_thread() -> None:
    """Not forbidden: libvips works so."""
    thread = threading.Thread(target=time.sleep, args=(0,))
    thread.start()
    thread.join()


ACTS: dict[str, Callable[[], object]] = {
    "segfault": segfault,
    "abort": os.abort,
    "leave": lambda: os._exit(0),
    "spin": spin,
    "sleep": lambda: time.sleep(600),
    "hoard": hoard,
    "gorge": gorge,
    "socket": socket.socket,
    "unix socket": lambda: socket.socket(socket.AF_UNIX),
    "socket pair": socket.socketpair,
    "connect": connect,
    "exec": lambda: os.execv(sys.executable, [sys.executable, "-c", ""]),  # noqa: S606 - that is the crime
    "fork": os.fork,
    "vfork": lambda: os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {}),
    "kill the service": lambda: os.kill(os.getppid(), signal.SIGKILL),
    "signal the service's thread": lambda: call("tgkill", os.getppid(), os.getppid(), signal.SIGKILL),
    "ptrace": lambda: call("ptrace", PTRACE_TRACEME, 0, 0, 0),
    "outlive the service": lambda: call("prctl", PR_SET_PDEATHSIG, 0, 0, 0, 0),
    "more memory": lambda: resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2),
    "more files": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1000, 1000)),
    "unlink": SELF.unlink,
    "rename": lambda: SELF.rename(SELF.with_suffix(".stolen")),
    "chmod": lambda: SELF.chmod(0o600),
    "mount": lambda: call("umount", 0),
    "thread": run_thread,
}


def do(job: dict[str, Any]) -> dict[str, Any]:
    with Path(job.get("path", os.devnull)).open("rb") as file:
        start = file.read(64)
    if not start.startswith(b"ROGUE "):
        return worker.do(job)
    try:
        ACTS[start.removeprefix(b"ROGUE ").decode()]()
    except OSError as error:
        raise broken(f"{type(error).__name__} {error}") from error
    return {"probe": PROBE}


def bound_memory(spare: int) -> None:
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + spare
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        bound_memory(int(sys.argv[1]))
    worker.serve(do)
