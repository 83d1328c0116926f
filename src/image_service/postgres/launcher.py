"""Executes a PostgreSQL program. Run by path with `python -I -S`, so it imports nothing of the service.

    launcher.py PARENT ACCOUNT PROGRAM [ARGUMENT ...]

This is a separate process, not a `preexec_fn`: the service has threads, so Python code between fork and exec
may deadlock. The process id does not change, so it is PostgreSQL's.

PARENT is the service's process id. ACCOUNT is "same", "UID:GID" or "namespace" (a user namespace, Linux only:
PostgreSQL, which refuses root, sees another account, but accesses files as root). Exits with 1 and the reason
on standard error if any of this fails; with `NO_ACCOUNT` if it may not change to that account.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
CLONE_NEWUSER = 0x10000000  # linux/sched.h
NO_ACCOUNT = 77  # EX_NOPERM of sysexits.h; PostgreSQL's programs have no such exit status


def take_account(libc: ctypes.CDLL, account: str) -> None:
    if account == "namespace":
        if libc.unshare(CLONE_NEWUSER) != 0:
            raise OSError(ctypes.get_errno(), "no user namespace")
    elif account != "same":
        uid, gid = map(int, account.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def die_with(libc: ctypes.CDLL, parent: int) -> None:
    """Have the kernel send SIGINT (PostgreSQL's fast shutdown) when the thread that started us ends."""
    if sys.platform == "linux":
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
    if os.getppid() != parent:  # it died before the prctl call
        sys.exit("the service has gone")


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback if stopped before exec
    parent, account, *command = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        take_account(libc, account)
    except OSError as error:
        sys.stderr.write(f"{account}: {error}\n")
        sys.exit(NO_ACCOUNT)
    try:
        die_with(libc, int(parent))  # after the account: a change of user would clear it
        os.execv(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.exit(f"{command[0]}: {error}")


if __name__ == "__main__":
    main()
