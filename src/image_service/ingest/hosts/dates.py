"""Dates in the headers of strangers (RFC 9110, 5.6.7)."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def moment_of(text: str) -> datetime | None:
    """With a zone, which is UTC if none is said. None if it is no date."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # OverflowError: a year or a zone too large for a machine integer
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)
