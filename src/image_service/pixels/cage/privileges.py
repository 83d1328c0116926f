"""Limits what a process may do to others, and others of its user to it. Linux only; elsewhere no effect.

Imports little: the service's process uses it too.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38  # <linux/prctl.h>
CAPABILITY_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3


def die_with_parent() -> None:
    """Die with the parent. If the parent has already exited, or elsewhere, the end of the input ends the process."""
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def close_memory() -> str:
    """Stop other processes of the same user from tracing it, or accessing its memory or environment through /proc; root
    still can. The kernel writes no core file of it. A child inherits this until it runs another program.

    Raises `OSError`.
    """
    if sys.platform == "linux":
        _prctl(PR_SET_DUMPABLE, 0)
    return ""


def gain_none() -> None:
    """Forbid new privileges, even from setuid programs. Raises `OSError`."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def drop() -> str:
    """Drop all capabilities. Raises `OSError`."""
    gain_none()
    libc = ctypes.CDLL(None, use_errno=True)
    nothing = (ctypes.c_uint32 * 6)()  # twice effective, permitted, inheritable
    if libc.capset((ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0), nothing) != 0:
        raise OSError(ctypes.get_errno(), f"capset: {os.strerror(ctypes.get_errno())}")
    return ""


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, *(ctypes.c_ulong(each) for each in (value, 0, 0, 0))) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}: {os.strerror(ctypes.get_errno())}")
