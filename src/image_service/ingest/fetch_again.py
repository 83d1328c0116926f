"""When a busy host asks for a retry: `Retry-After` (RFC 9110, 10.2.3)."""

import re
from datetime import UTC, datetime

import httpx

from image_service.ingest.hosts.dates import moment_of

AGAIN = (429, 503)
SECOND_TRY_SECONDS = 1.0  # that must be left before the deadline for a second try

_SECONDS = re.compile(r"[0-9]{1,9}")


def seconds_to_wait(response: httpx.Response, left: float) -> float | None:
    """None if the host asks for no retry, or for one later than `left` seconds allow."""
    if response.status_code not in AGAIN:
        return None
    asked = retry_after(response)
    return asked if asked is not None and asked + SECOND_TRY_SECONDS <= left else None


def retry_after(response: httpx.Response) -> float | None:
    """`Retry-After` in seconds, if any."""
    return seconds_of(response.headers.get("Retry-After", ""))


def seconds_of(field: str) -> float | None:
    """The value of a `Retry-After` field in seconds; None if it is not valid."""
    retry_after = field.strip()
    if _SECONDS.fullmatch(retry_after):
        return float(retry_after)
    moment = moment_of(retry_after)
    return None if moment is None else max(0.0, (moment - datetime.now(UTC)).total_seconds())
