"""When to tell the log of an outage of the database: once a minute, however often the queue looks."""

import time

AGAIN_SECONDS = 60.0


class Outage:
    def __init__(self) -> None:
        self._told_at: float | None = None  # None: there is none

    def tell(self) -> bool:
        """Call while the database is away. Returns whether to write a log line now."""
        now = time.monotonic()
        is_due = self._told_at is None or now - self._told_at >= AGAIN_SECONDS
        if is_due:
            self._told_at = now
        return is_due

    def end(self) -> bool:
        """Call when the database answers. Returns whether it was away before."""
        was_told, self._told_at = self._told_at is not None, None
        return was_told
