"""Does the client take its answer, and at a fair pace?"""

import asyncio
import time
from collections.abc import Callable

from image_service.edge.limits import FAIR_BYTES_PER_SECOND, PACE_SECONDS


class Taking:
    """Looks once a second, for as long as something waits for the client."""

    def __init__(self, buffered: Callable[[], int], stalled: Callable[[], None]) -> None:
        """`buffered` says how many bytes wait; `stalled` is told when the client begins to be slower than is fair."""
        self._buffered = buffered
        self._stalled = stalled
        self._timer: asyncio.TimerHandle | None = None
        self.stalled_since: float | None = None  # monotonic seconds; None: it is not slow, as far as is known

    def begin(self) -> None:
        self.end()
        self._wait(self._buffered(), time.monotonic())

    def end(self) -> None:
        self.stalled_since = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, before: int, since: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(PACE_SECONDS, self._look, before, since)

    def _look(self, before: int, since: float) -> None:
        left, now = self._buffered(), time.monotonic()
        self._wait(left, now)
        if before - left >= FAIR_BYTES_PER_SECOND * (now - since):
            self.stalled_since = None
        elif self.stalled_since is None:
            self.stalled_since = since
            self._stalled()  # which may end it
