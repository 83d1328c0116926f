"""The signals that stop the service."""

import signal
import socket
from contextlib import suppress
from types import TracebackType
from typing import Self

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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
