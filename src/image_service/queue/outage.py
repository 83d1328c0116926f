"""Limits log lines about a database outage to one a minute."""

import time

AGAIN_SECONDS = 60.0


class Outage:
    def __init__(self) -> None:
        self._logged_at: float | None = None  # None: there is no outage

    def should_log(self) -> bool:
        """Call while the database is away. Returns whether a log line is due."""
        now = time.monotonic()
        is_due = self._logged_at is None or now - self._logged_at >= AGAIN_SECONDS
        if is_due:
            self._logged_at = now
        return is_due

    def recovered(self) -> bool:
        """Call when the database answers. Returns whether it was away before."""
        was_away, self._logged_at = self._logged_at is not None, None
        return was_away
