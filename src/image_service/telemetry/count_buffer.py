"""Request counts: added up in memory, and passed on to the metrics a few times a second.

Writing one count to its file takes 2 us. A cached picture has five counts, and the rest of its request takes 30 us.
"""

import asyncio
from collections.abc import Sequence

from prometheus_client import Counter

from image_service.telemetry import metrics

HELD_SECONDS = 0.1


class CountBuffer:
    """For the event loop's thread only. Call `hand_on` before reading the metrics. Other processes' reads miss the
    counts of the last `HELD_SECONDS`; those counts are lost if this process is killed.
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
    """Counts of one dialect, route, method and status; each answer also increments `also_counted`."""

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
        self._seconds: list[float] = []  # of each held answer
        self._received = self._sent = 0  # bytes

    def add(self, seconds: float, received: int, sent: int) -> None:
        """Add one answer: its seconds, and the bodies' bytes."""
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
