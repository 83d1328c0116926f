"""PostgreSQL's programs, and the account that they run under.

PostgreSQL refuses to run as root. If the service is root, PostgreSQL runs as another account, which owns two folders:
the data and the socket's. It inherits them as open descriptors, because it may lack access to their parents
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
    """A folder, as accessed by the programs."""

    name: str  # its path for them
    descriptors: tuple[int, ...]  # descriptors they must inherit


@dataclass(frozen=True)
class Programs:
    """A directory with `initdb` and `postgres`, and how to start them."""

    directory: Path
    account: str = "same"  # the launcher's ACCOUNT

    @property
    def owner(self) -> tuple[int, int]:
        """User and group id that must own the server's files."""
        if ":" in self.account:
            uid, gid = map(int, self.account.split(":"))
            return uid, gid
        return os.geteuid(), os.getegid()

    def command(self, name: str, *arguments: str) -> list[str]:
        """The command line that runs a program and ends it with the calling thread."""
        start = [sys.executable, "-I", "-S", launcher.__file__, str(os.getpid()), self.account]
        return [*start, str(self.directory / name), *arguments]

    @contextmanager
    def reaching(self, folder: Path) -> Iterator[Folder]:
        """Makes `folder`, which `owner` owns, accessible to a program that is started in the block."""
        if ":" not in self.account:
            yield Folder(str(folder), ())
            return
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        try:
            yield Folder(f"/proc/self/fd/{descriptor}", (descriptor,))
        finally:
            os.close(descriptor)  # the programs have their own copy


def accounts() -> list[str]:
    """The accounts under which root may run PostgreSQL, best first. initdb requires one with a name."""
    found = []
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        found.append(f"{user.pw_uid}:{user.pw_gid}")
    return found
