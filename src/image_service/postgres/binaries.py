"""Finds the PostgreSQL programs of this machine, and how to run them."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from image_service.errors import ImageServiceError
from image_service.postgres import copies, launcher
from image_service.postgres.programs import Programs, accounts

OLDEST_MAJOR = 14  # for a new data directory; an existing one fixes its version
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


def find_programs(data: Path) -> Programs:
    """The programs for the data directory `data`, which need not exist yet.

    Prefers the wheel's. Only its own major version can open an existing data directory.
    Raises `PostgresNotFound`; `EmbeddedPostgresError` if root finds no account to run them under.
    """
    version_file = data / "PG_VERSION"
    wanted = int(version_file.read_text()) if version_file.exists() else None
    found = []
    for directory in _candidates():
        major = _major(directory)
        if major is not None and (major == wanted or (wanted is None and major >= OLDEST_MAJOR)):
            return _for_root(directory) if os.geteuid() == 0 else Programs(directory)
        found.append(major)
    if wanted is not None:
        others = ", ".join(str(major) for major in found if major) or "none"
        raise PostgresNotFound(f"{data} needs PostgreSQL {wanted}; found: {others}")
    raise PostgresNotFound(
        "no PostgreSQL on this machine: pip install 'image-service[embedded]', "
        "or set IMAGE_SERVICE_DATABASE_URL to a server of yours"
    )


def _candidates() -> Iterator[Path]:
    wheel = importlib.util.find_spec(copies.MODULE)  # located, never imported: its API adds system users
    if wheel is not None and wheel.origin is not None:
        yield from sorted(Path(wheel.origin).parent.glob("pginstall*/bin"), reverse=True)  # the newest first
    if (on_path := shutil.which("postgres")) is not None:
        yield Path(on_path).resolve().parent
    for pattern in SYSTEM_DIRECTORIES:
        yield from sorted(Path("/").glob(pattern), reverse=True)


def _major(directory: Path) -> int | None:
    """The major version of the programs in `directory`; None if some are missing or do not run."""
    if not (directory / "initdb").exists():
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - our own programs
            [directory / "postgres", "--version"], check=True, capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return int(answer.stdout.split()[2].split(".")[0])  # "postgres (PostgreSQL) 18.1"


def _for_root(directory: Path) -> Programs:
    """Finds an account that can run them in place, or else a copy of them. Tests each, since modes are not enough.

    If root may not change to another account, as in some containers, tries a user namespace.
    """
    reason = "there is neither an account postgres nor nobody"
    for account in accounts():
        programs = Programs(directory, account)
        status, reason = _try(programs)
        if status == 0:
            return programs
        if status == launcher.NO_ACCOUNT:
            continue
        try:
            copied = Programs(copies.copied(directory), account)
        except OSError as error:
            reason = f"no other account may run {directory}, and they cannot be copied: {error}"
            continue
        status, reason = _try(copied)
        if status == 0:
            return copied
    if sys.platform == "linux" and _try(namespaced := Programs(directory, "namespace"))[0] == 0:
        return namespaced
    raise EmbeddedPostgresError(
        f"PostgreSQL does not run as root, nor as another account here ({reason}): "
        "start the service as an ordinary user, or set IMAGE_SERVICE_DATABASE_URL"
    )


def _try(programs: Programs) -> tuple[int, str]:
    """Runs a program that needs the shared libraries. Returns its exit status and stderr."""
    command = programs.command("initdb", "--version")
    tried = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/", timeout=30)  # noqa: S603 - our own
    return tried.returncode, tried.stderr.strip()
