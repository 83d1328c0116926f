"""The pixel process, in the real cage, with a decoder that has been captured: a file of `ROGUE {act}` is its orders.

What succeeds is answered like a good picture, what fails as a refused one; other files go the usual way. Arguments:
`--memory` is how many bytes it may have beside what it has when it starts, for the cage's own bound would be a test's
to pay; `--layers` are the cage's layers that it enters, all by default; `--landlock` is the newest version asked for.
"""

import argparse
import ctypes
import errno
import fcntl
import mmap
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from image_service.pixels import worker
from image_service.pixels.cage import landlock
from image_service.pixels.cage.enter import LAYERS
from image_service.pixels.limits import broken

PROBE = {"format": "png", "width": 1, "height": 1, "frames": 1, "end": 1, "thumbhash": "AAAAAAAA", "kept": None}
SELF = Path(__file__)
SERVICE = os.getppid()
PTRACE_TRACEME, PTRACE_SEIZE, PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 0, 0x4206, 1, 4
F_SETSIG, O_ASYNC = 10, 0o20000  # <fcntl.h>; Python does not name them
OPENAT2, PIDFD_OPEN, PIDFD_GETFD = 437, 434, 438  # on every architecture
AT_FDCWD = -100


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
    with socket.socket() as made:
        made.connect(("127.0.0.1", 9))


def call(name: str, *arguments: object) -> int:
    """One of the C library's functions."""
    result: int = getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments)
    if result == -1:
        raise OSError(ctypes.get_errno(), name)
    return result


def kill_by_fcntl() -> None:
    """The kernel sends what F_SETSIG says to whom F_SETOWN says, as soon as the file has news."""
    fcntl.fcntl(0, F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(0, fcntl.F_SETOWN, SERVICE)
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | O_ASYNC)


def open_file(path: str, flags: int = os.O_RDONLY) -> None:
    os.close(os.open(path, flags, 0o600))


def make_a_file() -> None:
    path = Path("/tmp") / f"made-by-{os.getpid()}"  # noqa: S108 - it is gone at once
    open_file(str(path), os.O_CREAT | os.O_WRONLY)
    path.unlink()


def fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def open_by_openat2() -> None:
    how = (ctypes.c_uint64 * 3)()
    os.close(call("syscall", OPENAT2, AT_FDCWD, os.fsencode(SELF), how, ctypes.sizeof(how)))


def take_a_file_of_the_service() -> None:
    process = call("syscall", PIDFD_OPEN, SERVICE, 0)
    os.close(call("syscall", PIDFD_GETFD, process, 1, 0))


def read_memory_of_the_service() -> None:
    """An address that nothing is at: EFAULT says that it was looked at."""
    here = ctypes.create_string_buffer(8)
    pieces = (ctypes.c_uint64 * 2)(ctypes.addressof(here), 8), (ctypes.c_uint64 * 2)(8, 8)
    try:
        call("process_vm_readv", SERVICE, pieces[0], 1, pieces[1], 1, 0)
    except OSError as error:
        if error.errno != errno.EFAULT:
            raise


def run_thread() -> None:
    """Not forbidden: libvips works so."""
    thread = threading.Thread(target=time.sleep, args=(0,))
    thread.start()
    thread.join()


def render_and_keep(target: int) -> None:
    os.write(target, b"as rendered")
    KEPT.append(os.dup(target))


ENDS: dict[str, Callable[[], object]] = {
    "segfault": segfault,
    "abort": os.abort,
    "leave": lambda: os._exit(0),
    "spin": spin,
    "sleep": lambda: time.sleep(600),
    "hoard": hoard,
    "gorge": gorge,
}
HARMLESS: dict[str, Callable[[], object]] = {"thread": run_thread}
FILES: dict[str, Callable[[], object]] = {
    "read a file": partial(open_file, __file__),
    "write a file": partial(open_file, __file__, os.O_RDWR),
    "read by openat2": open_by_openat2,
    "make a file": make_a_file,
    "list a folder": lambda: list(SELF.parent.iterdir()),
    "environment of the service": partial(open_file, f"/proc/{SERVICE}/environ"),
    "memory of the service": partial(open_file, f"/proc/{SERVICE}/mem", os.O_RDWR),
    "map of the service's memory": partial(open_file, f"/proc/{SERVICE}/maps"),
    "files of the service": lambda: list(Path(f"/proc/{SERVICE}/fd").iterdir()),
    "own executable": partial(open_file, "/proc/self/exe"),
}
OTHER_PROCESSES: dict[str, Callable[[], object]] = {
    "take a file of the service": take_a_file_of_the_service,
    "read memory of the service": read_memory_of_the_service,
}
CALLS: dict[str, Callable[[], object]] = {
    "look at a file": SELF.stat,
    "ask for a file": lambda: call("access", os.fsencode(SELF), os.R_OK),
    "where am I": os.getcwd,
    "socket": socket.socket,
    "unix socket": lambda: socket.socket(socket.AF_UNIX),
    "socket pair": socket.socketpair,
    "fork": fork,
    "signal the service": lambda: os.kill(SERVICE, 0),
    "signal the service's thread": lambda: call("tgkill", SERVICE, SERVICE, 0),
    "name who gets the signals of a file": lambda: fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid()),
    "choose the signal": lambda: fcntl.fcntl(0, F_SETSIG, signal.SIGCHLD),
    "outlive the service": lambda: call("prctl", PR_SET_PDEATHSIG, 0, 0, 0, 0),
    "open memory again": lambda: call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0),
    "run what was written": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC),
    "file in memory": lambda: os.memfd_create("a"),
    "more files": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (63, 63)),
    "other's limits": lambda: resource.prlimit(SERVICE, resource.RLIMIT_CPU),
}
# Never without the layer that refuses them: what would come of it is a test's to pay.
DEEDS: dict[str, Callable[[], object]] = {
    "kill by fcntl": kill_by_fcntl,
    "seize the service": lambda: call("ptrace", PTRACE_SEIZE, SERVICE, 0, 0),
    "be debugged": lambda: call("ptrace", PTRACE_TRACEME, 0, 0, 0),
    "connect": connect,
    "exec": lambda: os.execv(sys.executable, [sys.executable, "-c", ""]),  # noqa: S606 - that is the crime
    "vfork": lambda: os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {}),
    "kill the service": lambda: os.kill(SERVICE, signal.SIGKILL),
    "kill the service's thread": lambda: call("tgkill", SERVICE, SERVICE, signal.SIGKILL),
    "more memory": lambda: resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2),
    "unlink": SELF.unlink,
    "rename": lambda: SELF.rename(SELF.with_suffix(".stolen")),
    "chmod": lambda: SELF.chmod(0o600),
    "mount": lambda: call("umount", 0),
}
KEPT: list[int] = []
# Of a rendering, with what it is to be rendered into.
DRAWINGS: dict[str, Callable[[int], object]] = {
    "render, and keep the file": render_and_keep,
    "render nothing, and write to the file that was kept": lambda _: os.pwrite(KEPT[-1], b"forged", 0),
}
PATHS: dict[str, Callable[[str], object]] = {"open": open_file, "truncate": lambda path: os.truncate(path, 0)}
FORBIDDEN = FILES | OTHER_PROCESSES | CALLS | DEEDS
ACTS = ENDS | HARMLESS | FORBIDDEN


def do(job: dict[str, Any], files: Sequence[int]) -> dict[str, Any]:
    start = os.pread(files[0], 256, 0)
    if not start.startswith(b"ROGUE "):
        return worker.do(job, files)
    act = start.removeprefix(b"ROGUE ").decode()
    if job["do"] == "render":
        DRAWINGS[act](files[1])
        return {"rendered": job["rendering"]["format"]}
    if job["do"] == "family":
        for target in files[1:]:
            DRAWINGS[act](target)
        return {"family": [each["format"] for each in job["renderings"]]}
    try:
        verb, _, path = act.partition(" /")
        PATHS[verb](f"/{path}") if path else ACTS[act]()
    except OSError as error:
        raise broken(errno.errorcode.get(error.errno or 0, str(error))) from error
    return {"probe": PROBE}


def bound_memory(spare: int) -> None:
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + spare
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--memory", type=int)
    parser.add_argument("--layers", nargs="*", default=LAYERS.keys())
    parser.add_argument("--landlock", type=int, default=len(landlock.ABIS))
    asked = parser.parse_args()
    if asked.memory:
        bound_memory(asked.memory)
    layers = dict(LAYERS)
    layers["Landlock"] = partial(landlock.close_files, asked.landlock)
    worker.serve(do, {name: layer for name, layer in layers.items() if name in asked.layers})


if __name__ == "__main__":
    main()
