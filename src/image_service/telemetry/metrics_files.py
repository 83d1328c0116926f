"""The folder of one service's metrics files: created at its start, removed at its end.

prometheus_client reads the environment on import, so this module comes first, and imports little.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own
FORMER = "prometheus_multiproc_dir"  # its older spelling, which must not interfere
PREFIX = "image-service-metrics-"


@contextmanager
def counted_together() -> Iterator[None]:
    """Add up the counts of this process and its children.

    The folder is in the system's temporary folder, not on a network disk: requests write to it all the time. Raises
    `OSError` if it cannot be made.
    """
    _remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    lock = os.open(folder, os.O_RDONLY)  # released when this process ends in any way; not inherited
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.environ[VARIABLE] = str(folder)
    try:
        yield
    finally:
        os.environ.pop(VARIABLE)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def counted_alone() -> None:
    """Count in this process alone, as a command does. A folder set from outside may hold an earlier start's counts."""
    os.environ.pop(VARIABLE, None)
    os.environ.pop(FORMER, None)


def _remove_abandoned() -> None:
    """Remove the folders of killed services: this user's folders that no process has locked."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # another's, locked or gone
            lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
            try:
                # A new folder is empty, and not locked yet.
                if os.fstat(lock).st_uid == os.getuid() and any(folder.iterdir()):
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
