"""The folder in which the processes of one service count: made for each start, removed at its end.

prometheus_client looks at the environment when it is imported, so this comes before, and imports little itself.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own
FORMER = "prometheus_multiproc_dir"  # its older spelling, which must not get in the way
PREFIX = "image-service-metrics-"


@contextmanager
def counted_together() -> Iterator[None]:
    """This process and its children add up.

    The folder is in the system's temporary one, for it is written to with every request: no network disk. Raises
    `OSError` if it cannot be made.
    """
    _remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    lock = os.open(folder, os.O_RDONLY)  # goes with this process, however that ends; no child inherits it
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
    """Remove the folders of services that were killed: those of ours that no process has locked."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # another's, or gone meanwhile
            lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
            try:
                # One that was made this moment is not locked yet.
                if os.fstat(lock).st_uid == os.getuid() and any(folder.iterdir()):
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
