"""The processes that answer requests: forked from one that has imported the application already, replaced when they
end. This module itself imports little, so that the import in that process and the one in ours run side by side.
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
LATER_SECONDS = 5  # beyond what it is given, for a worker's own end; then it is killed
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0  # seconds between restarts, doubling
STEADY_SECONDS = 60  # a worker that ran for so long had started well
PR_SET_PDEATHSIG = 1  # linux/prctl.h
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)
_context = multiprocessing.get_context("forkserver")


class WorkersFailed(ImageServiceError):
    """The application cannot be started; its process has logged why."""


class ProcessFailed(ImageServiceError):
    """What a process of its own was to do could not be done; the message is what it said."""


@contextmanager
def preloading() -> Iterator[None]:
    """Import the application in the process that others are forked from, side by side with what the block does.

    Leaves when that process has ended: what it imports may still need what the caller is about to remove.
    """
    _context.set_forkserver_preload([PRELOADED])
    # Inherited: these are for this process to act on. The other one ends with its last user.
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
        forkserver._forkserver._stop()  # type: ignore[attr-defined]  # there is no public way


@contextmanager
def _no_environment() -> Iterator[None]:
    """For a process that needs none, but is not ours and so would show the secrets in it to others of its user."""
    kept = dict(os.environ)
    os.environ.clear()
    try:
        yield
    finally:
        os.environ.update(kept)


class StopSignals:
    """SIGINT, SIGTERM and SIGHUP, from `with` on: each asks for the end, and none interrupts it.

    Before `defer()` the first of them raises `KeyboardInterrupt`, since a start may have to wait long; after it they
    make `reader` readable. A SIGHUP that was ignored from the outset still is, since that is what `nohup` asks for.
    SIGINT is not, although a script ignores it for its background jobs: a SIGINT to the service is meant for it.
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
            signal.signal(number, signal.SIG_IGN)  # what is left to do is to exit
        self.reader.close()
        self._writer.close()

    def defer(self) -> None:
        self._raises = False

    def _asked(self, number: int, frame: object) -> None:
        if self._raises:
            self._raises = False
            raise KeyboardInterrupt
        with suppress(OSError):  # full: it has been said often enough
            self._writer.send(b"!")


class Workers:
    """`count` processes that run `target(*arguments)`; `ended` is told the pid of each that ends unasked."""

    def __init__(
        self, count: int, target: Callable[..., None], *arguments: object, ended: Callable[[int], None]
    ) -> None:
        self._target = target
        self._ended = ended
        self._arguments = arguments
        self._running: list[tuple[ForkServerProcess, float]] = []  # with the time of their start
        self._missing = count
        self._pause = 0.0
        self._start_at = 0.0
        self._has_worked = False

    def run(self, stop: socket.socket, *, delay: float, grace: float, drained: Callable[[], None]) -> None:
        """Until `stop` is readable: then end them gently, or at once when it is readable again.

        They are trusted to go on answering for `delay` seconds, at whose end `drained` is called, and to take at most
        `grace` seconds more for what is under way. Raises `WorkersFailed` if the first of them cannot start.
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
        """Return when all have gone."""
        drained_at = time.monotonic() + delay
        deadline = drained_at + grace + LATER_SECONDS
        is_drained = False
        with suppress(BlockingIOError):  # ended for another reason
            stop.recv(16)  # heard; the next one is another
        while running := [process for process, _ in self._running if process.is_alive()]:
            for process in running:
                process.terminate()  # again and again: one that has just been forked is deaf to the first
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
    """What `target` answers in a process that is forked like a worker, and ends with it; `ended` is told its pid.

    An interrupt (Ctrl-C) interrupts both. Raises `ProcessFailed`.
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
    """The body of that process. Only what was foreseen is told; of anything else the log has the traceback."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where we come from
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    live_with_the_service()
    try:
        sender.send((target(*arguments, **options), None))
    except (ImageServiceError, OSError, ValueError) as error:
        sender.send((None, str(error) or type(error).__name__))
    except KeyboardInterrupt:
        pass  # the parent has gone


def live_with_the_service() -> None:
    """In a worker: Ctrl-C in a terminal does not reach it, nor its pixel processes, since the service tells it when to
    stop; and SIGTERM when the service has gone, if only by kill -9: the database goes with it.
    """
    os.setsid()
    if sys.platform == "linux":  # for the process that forked us
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    service = multiprocessing.parent_process()
    if service is None:
        return

    def watch() -> None:
        service.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="service", daemon=True).start()
