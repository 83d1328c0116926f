"""When to tell the log of an outage of the database: once a minute, however often the queue looks."""

import time

AGAIN_SECONDS = 60.0


class Outage:
    def __init__(self) -> None:
        self._told_at: float | None = None  # None: there is none

    def is_to_be_told(self) -> bool:
        """The outage begins or goes on."""
        now = time.monotonic()
        is_due = self._told_at is None or now - self._told_at >= AGAIN_SECONDS
        if is_due:
            self._told_at = now
        return is_due

    def has_ended(self) -> bool:
        """The database answers: whether there was an outage until now."""
        was_told, self._told_at = self._told_at is not None, None
        return was_told
