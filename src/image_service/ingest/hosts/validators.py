"""What a host says by which a picture can be told from a later one at the same URL (RFC 9110, 8.8).

They go with the URL that they came from: behind a redirect, that is the last one. Sent to another, they would name some
other picture.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

MAX_VALIDATOR = 1024  # characters; the longest seen in the wild have some 100
# A picture that is changed twice within a second keeps its `Last-Modified` (RFC 9110, 8.8.2.2).
CERTAIN_AFTER = timedelta(seconds=1)

_PLAIN = re.compile(rf"[\x21-\x7e](?:[\x20-\x7e]{{0,{MAX_VALIDATOR - 2}}}[\x21-\x7e])?", re.ASCII)


@dataclass(frozen=True)
class Validators:
    """Each as the host wrote it; None where it sent none that can be relied on."""

    final_url: str  # which they belong to
    etag: str | None = None
    modified: str | None = None

    @property
    def names_anything(self) -> bool:
        """Else its host can only be asked for the whole picture."""
        return self.etag is not None or self.modified is not None


def validators_of(url: httpx.URL, response: httpx.Response) -> Validators:
    return Validators(str(url), _plain(response, "ETag"), _modified(response))


def conditions(url: httpx.URL, known: Validators | None) -> dict[str, str]:
    """The headers that ask for what is not `known`; none where nothing is, or of another URL."""
    if known is None or known.final_url != str(url):
        return {}
    named = {"If-None-Match": known.etag, "If-Modified-Since": known.modified}
    return {name: value for name, value in named.items() if value is not None}


def _plain(response: httpx.Response, name: str) -> str | None:
    value = response.headers.get(name, "")
    return value if _PLAIN.fullmatch(value) else None


def _modified(response: httpx.Response) -> str | None:
    value = _plain(response, "Last-Modified")
    changed = _moment(value)
    answered = _moment(_plain(response, "Date")) or datetime.now(UTC)
    return value if changed is not None and answered - changed >= CERTAIN_AFTER else None


def _moment(date: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)
