"""The fork server, which imports the application once for all processes. This module imports little, so that the fork
server's imports run in parallel with this process's.
"""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker

from image_service.processes.signals import STOPS

PRELOADED = "image_service.processes.preloaded"

CONTEXT = multiprocessing.get_context("forkserver")


@contextmanager
def preloading() -> Iterator[None]:
    """Import the application in the fork server, in parallel with the block.

    Exits after the fork server has ended: its imports may still need what the caller removes next.
    """
    CONTEXT.set_forkserver_preload([PRELOADED])
    # Inherited: only this process acts on signals. The fork server ends with its last user.
    former = {number: signal.signal(number, signal.SIG_IGN) for number in STOPS}
    try:
        with _no_environment():
            resource_tracker.ensure_running()
        forkserver.ensure_running()
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
    try:
        yield
    finally:
        forkserver._forkserver._stop()  # type: ignore[attr-defined]  # no public API


@contextmanager
def _no_environment() -> Iterator[None]:
    """For the resource tracker, which needs no environment: the user's other processes could read secrets in it."""
    kept = dict(os.environ)
    os.environ.clear()
    try:
        yield
    finally:
        os.environ.update(kept)
