"""The worker processes: forked from the fork server, and replaced when they end."""

import ctypes
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import connection
from multiprocessing.context import ForkServerProcess

from image_service.backoff import Backoff
from image_service.errors import ImageServiceError
from image_service.processes.preloading import CONTEXT

BACKLOG = 2048  # connections that wait while all workers are busy
NOT_STARTED = 3  # a worker's exit status when its application could not be built; uvicorn's own number
LATER_SECONDS = 5  # after the grace, for a worker's exit; then it is killed
PR_SET_PDEATHSIG = 1  # linux/prctl.h

log = logging.getLogger(__name__)


class WorkersFailed(ImageServiceError):
    """The application cannot be started; its process has logged why."""


class Workers:
    """`count` processes that run `target(*arguments)`; calls `ended` with the pid of each that ends unasked."""

    def __init__(
        self, count: int, target: Callable[..., None], *arguments: object, ended: Callable[[int], None]
    ) -> None:
        self._target = target
        self._ended = ended
        self._arguments = arguments
        self._running: list[tuple[ForkServerProcess, float]] = []  # with their start times
        self._missing = count
        self._backoff = Backoff()
        self._start_at = 0.0
        self._has_worked = False

    def run(self, stop: socket.socket, *, delay: float, grace: float, drained: Callable[[], None]) -> None:
        """Run until `stop` is readable: then end the workers gently, or at once when it is readable again.

        The workers go on answering for `delay` seconds; then `drained` is called, and they have `grace` seconds for
        requests under way. Raises `WorkersFailed` if the first worker cannot start.
        """
        try:
            while True:
                self._fill()
                ends = [process.sentinel for process, _ in self._running]
                wait = max(0.0, self._start_at - time.monotonic()) if self._missing else None
                ready = connection.wait([stop, *ends], wait)
                if stop in ready:
                    log.info("stopping: what is under way has %g s to end", delay + grace)
                    return
                self._reap()
        finally:
            self._end(stop, delay, grace, drained)

    def _fill(self) -> None:
        while self._missing and time.monotonic() >= self._start_at:
            process = CONTEXT.Process(target=self._target, args=self._arguments, daemon=True)
            process.start()
            self._running.append((process, time.monotonic()))
            self._missing -= 1

    def _reap(self) -> None:
        now = time.monotonic()
        for process, since in [each for each in self._running if not each[0].is_alive()]:
            self._running.remove((process, since))
            if process.exitcode == NOT_STARTED and not self._has_worked:
                raise WorkersFailed("the service could not be started: the log says why")
            self._has_worked = True
            self._ended(process.pid or 0)
            log.error("worker %s ended with status %s, starting another", process.pid, process.exitcode)
            self._missing += 1
            self._start_at = now + self._backoff.pause(now - since)

    def _end(self, stop: socket.socket, delay: float, grace: float, drained: Callable[[], None]) -> None:
        """Return when all have ended."""
        drained_at = time.monotonic() + delay
        deadline = drained_at + grace + LATER_SECONDS
        is_drained = False
        with suppress(BlockingIOError):  # no signal was received
            stop.recv(16)  # clears it; the next is a new one
        while running := [process for process, _ in self._running if process.is_alive()]:
            for process in running:
                process.terminate()  # repeated: a worker just forked misses the first
            if not is_drained and time.monotonic() >= drained_at:
                drained()
                is_drained = True
            wait = 1 if is_drained else min(1, drained_at - time.monotonic())
            ready = connection.wait([stop, *(process.sentinel for process in running)], max(0, wait))
            if stop in ready or time.monotonic() > deadline:
                log.warning("not waiting any longer: %s workers are killed", len(running))
                break
        for process, _ in self._running:
            process.kill()
            process.join()


def live_with_the_service() -> None:
    """For a worker: Ctrl-C in a terminal does not reach it or its pixel processes, since the service stops it. It gets
    SIGTERM when the service ends, even by kill -9, since the database ends too.
    """
    os.setsid()
    if sys.platform == "linux":  # parent: the fork server
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    service = multiprocessing.parent_process()
    if service is None:
        return

    def watch() -> None:
        service.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="service", daemon=True).start()
