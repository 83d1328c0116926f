"""The worker processes: forked from a fork server that has already imported the application, and replaced when they
end. This module imports little, so that the fork server's imports run in parallel with this process's.
"""

import ctypes
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection, forkserver, resource_tracker
from multiprocessing.context import ForkServerProcess
from types import TracebackType
from typing import Any, Self, TypeVar

from image_service.errors import ImageServiceError

PRELOADED = "image_service.processes.preloaded"
BACKLOG = 2048  # connections that wait while all workers are busy
NOT_STARTED = 3  # a worker's exit status when its application could not be built; uvicorn's own number
LATER_SECONDS = 5  # after the grace, for a worker's exit; then it is killed
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0  # seconds between restarts, doubling
STEADY_SECONDS = 60  # a worker that ran this long started well
PR_SET_PDEATHSIG = 1  # linux/prctl.h
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)
_context = multiprocessing.get_context("forkserver")


class WorkersFailed(ImageServiceError):
    """The application cannot be started; its process has logged why."""


class ProcessFailed(ImageServiceError):
    """The work of a separate process failed; the message is that process's."""


@contextmanager
def preloading() -> Iterator[None]:
    """Import the application in the fork server, in parallel with the block.

    Exits after the fork server has ended: its imports may still need what the caller removes next.
    """
    _context.set_forkserver_preload([PRELOADED])
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


class StopSignals:
    """Handles SIGINT, SIGTERM and SIGHUP inside `with`: each requests a stop, and none interrupts it.

    Before `defer()` the first one raises `KeyboardInterrupt`, since a start may take long; after it they make `reader`
    readable. A SIGHUP that is ignored at the start stays ignored, as `nohup` requires. SIGINT does not, although
    scripts ignore it for background jobs: a SIGINT to the service is meant for it.
    """

    def __init__(self) -> None:
        self.reader, self._writer = socket.socketpair()
        self.reader.setblocking(False)
        self._writer.setblocking(False)
        self._raises = True
        self._former: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in STOPS:
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                self._former[number] = signal.signal(number, self._asked)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number in self._former:
            signal.signal(number, signal.SIG_IGN)  # only the exit is left
        self.reader.close()
        self._writer.close()

    def defer(self) -> None:
        self._raises = False

    def _asked(self, number: int, frame: object) -> None:
        if self._raises:
            self._raises = False
            raise KeyboardInterrupt
        with suppress(OSError):  # full: enough is queued
            self._writer.send(b"!")


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
        self._pause = 0.0
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
            process = _context.Process(target=self._target, args=self._arguments, daemon=True)
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
            self._pause = FIRST_PAUSE if now - since > STEADY_SECONDS else min(self._pause * 2, LONGEST_PAUSE)
            self._pause = max(self._pause, FIRST_PAUSE)
            self._start_at = now + self._pause

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


def ask(target: Callable[..., Answer], *arguments: object, ended: Callable[[int], None], **options: object) -> Answer:
    """Run `target` in a process forked like a worker, and return its result; calls `ended` with the pid.

    Ctrl-C interrupts both. Raises `ProcessFailed`.
    """
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = _context.Process(target=_answer, args=(sender, target, arguments, options), daemon=True)
    with receiver:
        try:
            process.start()
            sender.close()
            answer: Answer
            answer, failure = receiver.recv()
        except EOFError:
            process.join()
            raise ProcessFailed(f"{target.__name__}: its process ended with status {process.exitcode}") from None
        except BaseException:
            if process.is_alive():
                os.kill(process.pid or 0, signal.SIGINT)
            raise
        finally:
            process.join(LATER_SECONDS)
            process.kill()
            ended(process.pid or 0)
    if failure is not None:
        raise ProcessFailed(failure)
    return answer


def _answer(
    sender: "connection.Connection[Any, Any]",
    target: Callable[..., object],
    arguments: tuple[object, ...],
    options: dict[str, object],
) -> None:
    """The body of that process. Sends back expected errors only; others leave a traceback in the log."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the fork server ignores it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    live_with_the_service()
    try:
        sender.send((target(*arguments, **options), None))
    except (ImageServiceError, OSError, ValueError) as error:
        sender.send((None, str(error) or type(error).__name__))
    except KeyboardInterrupt:
        pass  # the parent is gone


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
