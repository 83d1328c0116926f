"""Landlock (Linux 5.13 and later): forbids opening files, TCP ports, and signals or sockets to other processes. Files
that are already open, or passed open with a job, stay usable.

Makes the system calls itself, as no common library has them. See <linux/landlock.h> and landlock(7).
"""

import ctypes
import os
from pathlib import Path
from typing import NamedTuple

from image_service.pixels.cage.privileges import gain_none

CREATE_RULESET, RESTRICT_SELF = 444, 446  # the same numbers on every architecture that Debian has
VERSION = 1  # LANDLOCK_CREATE_RULESET_VERSION


class Rights(NamedTuple):
    """struct landlock_ruleset_attr: what is forbidden unless a rule allows it. We make no rule."""

    files: int = 0
    ports: int = 0
    scoped: int = 0


ABIS = (  # added by each version of the interface
    Rights(files=0x1FFF),  # 1: execute, read, write, list, remove, make
    Rights(files=0x2000),  # 2: refer, to another directory
    Rights(files=0x4000),  # 3: truncate
    Rights(ports=0x3),  # 4: bind and connect TCP
    Rights(files=0x8000),  # 5: ioctl of devices
    Rights(scoped=0x3),  # 6: abstract unix sockets, signals
    Rights(),  # 7: what is logged
)


def close_files(newest: int = len(ABIS)) -> str:
    """Restrict this thread and those that it starts. Raises `OSError`.

    Uses and returns the kernel's interface version, at most `newest`.
    """
    threads = len(list(Path("/proc/self/task").iterdir()))
    abi = min(_call(CREATE_RULESET, None, 0, VERSION), newest)
    rights = Rights(*(sum(each) for each in zip(*ABIS[:abi], strict=True)))
    wanted = (ctypes.c_uint64 * len(rights))(*rights)  # a kernel accepts unknown fields if they are zero
    gain_none()  # otherwise the kernel allows only root to restrict itself
    ruleset = _call(CREATE_RULESET, wanted, ctypes.sizeof(wanted), 0)
    try:
        _call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    if threads > 1:
        raise OSError(f"{threads - 1} threads were there before")
    return f"ABI {abi}"


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    result: int = libc.syscall(
        ctypes.c_long(number), *(ctypes.c_long(each) if isinstance(each, int) else each for each in arguments)
    )
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
