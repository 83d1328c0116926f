"""What a process may do to others, and others of its user to it. Linux; elsewhere nothing changes.

Imports little: the process that runs the service uses it too.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38  # <linux/prctl.h>
CAPABILITY_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3


def die_with_parent() -> None:
    """If the parent has gone by now, the end of the input does it, as it does elsewhere."""
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def close_memory() -> str:
    """To other processes of the same user: they can no more read or write it through /proc, nor its environment, nor
    trace it; root can. The kernel writes no core file of it. A child has this too, until it runs another program.

    Raises `OSError`.
    """
    if sys.platform == "linux":
        _prctl(PR_SET_DUMPABLE, 0)
    return ""


def gain_none() -> None:
    """No program gives this process more privileges, not even a setuid one. Raises `OSError`."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def drop() -> str:
    """All that root may do beyond other users. Raises `OSError`."""
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
