"""Tells the log of an outage of the database once a minute, however often the queue looks."""

import time

import structlog

from image_service.errors import DatabaseUnavailable

log = structlog.get_logger()

AGAIN_SECONDS = 60.0


class Outage:
    def __init__(self) -> None:
        self._told_at: float | None = None  # None: there is none

    def goes_on(self, event: str, error: DatabaseUnavailable) -> None:
        now = time.monotonic()
        if self._told_at is None or now - self._told_at >= AGAIN_SECONDS:
            self._told_at = now
            log.warning(event, reason=str(error))

    def is_over(self) -> None:
        if self._told_at is not None:
            self._told_at = None
            log.info("queue can be read again")
