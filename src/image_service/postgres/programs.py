"""PostgreSQL's programs, and the account that they run under.

PostgreSQL refuses to run as root. Where the service is root, it runs as an account of its own, to which two folders
belong: the data and the socket's. It inherits them as open descriptors, because their parents may be closed to it
(`/root`, a temporary folder, one made under `umask 077`), and the service should not open those to everyone.
"""

import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from image_service.postgres import launcher


@dataclass(frozen=True)
class Folder:
    """A folder as the programs reach it."""

    name: str  # what they call it
    descriptors: tuple[int, ...]  # what they must inherit for that


@dataclass(frozen=True)
class Programs:
    """A directory with `initdb` and `postgres`, and how to start them."""

    directory: Path
    account: str = "same"  # as the launcher takes it

    @property
    def owner(self) -> tuple[int, int]:
        """User and group id that the server's files must belong to."""
        if ":" in self.account:
            uid, gid = map(int, self.account.split(":"))
            return uid, gid
        return os.geteuid(), os.getegid()

    def command(self, name: str, *arguments: str) -> list[str]:
        """The command line that runs one of them and ends it when the calling thread ends."""
        start = [sys.executable, "-I", "-S", launcher.__file__, str(os.getpid()), self.account]
        return [*start, str(self.directory / name), *arguments]

    @contextmanager
    def reaching(self, folder: Path) -> Iterator[Folder]:
        """`folder`, which belongs to `owner`, for a program that is started in the block."""
        if ":" not in self.account:
            yield Folder(str(folder), ())
            return
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        try:
            yield Folder(f"/proc/self/fd/{descriptor}", (descriptor,))
        finally:
            os.close(descriptor)  # they have their own copy


def accounts() -> list[str]:
    """Those that root may run PostgreSQL under, the best first. initdb wants one that has a name."""
    found = []
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        found.append(f"{user.pw_uid}:{user.pw_gid}")
    return found
