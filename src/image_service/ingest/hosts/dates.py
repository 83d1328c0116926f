"""HTTP dates in headers (RFC 9110, 5.6.7)."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def moment_of(text: str) -> datetime | None:
    """An aware datetime, in UTC if no zone is given. None if it is not a date."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # OverflowError: a year or a zone too large for a machine integer
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)
