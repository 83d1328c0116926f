"""Whether the client reads its answer at a fair pace."""

import asyncio
import time
from collections.abc import Callable

from image_service.edge.limits import FAIR_BYTES_PER_SECOND, PACE_SECONDS


class Taking:
    """Checks once a second while bytes wait for the client."""

    def __init__(self, buffered: Callable[[], int], stalled: Callable[[], None]) -> None:
        """`buffered` returns the number of waiting bytes; `stalled` is called when the client becomes too slow."""
        self._buffered = buffered
        self._stalled = stalled
        self._timer: asyncio.TimerHandle | None = None
        self.stalled_since: float | None = None  # monotonic seconds; None: not known to be slow

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
            self._stalled()  # may end the connection
