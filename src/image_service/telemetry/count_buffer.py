"""Counts of requests: added up in memory, and handed on to the metrics some times a second.

To write one into the file that the service's processes share takes 2 us. A warm picture has five of them, and the rest
of it takes 30.
"""

import asyncio
from collections.abc import Sequence

from prometheus_client import Counter

from image_service.telemetry import metrics

HELD_SECONDS = 0.1


class CountBuffer:
    """For the event loop's own thread. Call `hand_on` before reading the metrics; other processes that read them
    miss what came within the last `HELD_SECONDS`, and so do all readers when this process is killed.
    """

    def __init__(self) -> None:
        self._held: list[AnswerCounts] = []
        self._timer: asyncio.TimerHandle | None = None

    def hold(self, counts: "AnswerCounts") -> None:
        self._held.append(counts)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(HELD_SECONDS, self.hand_on)

    def hand_on(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._held:
            self._held.pop().hand_on()


class AnswerCounts:
    """Of the answers of one dialect, route, method and status; `also_counted` by each of them, too."""

    def __init__(
        self,
        buffer: CountBuffer,
        dialect: str,
        route: str,
        method: str,
        status: int,
        also_counted: Sequence[Counter] = (),
    ) -> None:
        self._buffer = buffer
        self._counters = (metrics.REQUESTS.labels(dialect, route, method, status), *also_counted)
        self._timings = metrics.REQUEST_SECONDS.labels(dialect, route, method)
        self._received_bytes = metrics.RECEIVED_BYTES.labels(dialect)
        self._sent_bytes = metrics.SENT_BYTES.labels(dialect)
        self._seconds: list[float] = []  # of each that is held
        self._received = self._sent = 0  # bytes

    def add(self, seconds: float, received: int, sent: int) -> None:
        """One that took so long, of bodies of so many bytes."""
        if not self._seconds:
            self._buffer.hold(self)
        self._seconds.append(seconds)
        self._received += received
        self._sent += sent

    def hand_on(self) -> None:
        seconds, received, sent = self._seconds, self._received, self._sent
        self._seconds, self._received, self._sent = [], 0, 0
        for counter in self._counters:
            counter.inc(len(seconds))
        self._timings.observe_all(seconds)
        self._received_bytes.inc(received)
        self._sent_bytes.inc(sent)
