"""Validators: headers that tell whether the picture at a URL has changed (RFC 9110, 8.8).

Validators belong to the URL that sent them: after redirects, the last one. For another URL they would identify
another picture.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx

from image_service.ingest.hosts.dates import moment_of

MAX_VALIDATOR = 1024  # characters; the longest known have some 100
# A picture that is changed twice within a second keeps its `Last-Modified` (RFC 9110, 8.8.2.2).
CERTAIN_AFTER = timedelta(seconds=1)

_PLAIN = re.compile(rf"[\x21-\x7e](?:[\x20-\x7e]{{0,{MAX_VALIDATOR - 2}}}[\x21-\x7e])?", re.ASCII)


@dataclass(frozen=True)
class Validators:
    """Each as the host sent it; None if it sent none that is reliable."""

    final_url: str  # the URL that sent them
    etag: str | None = None
    modified: str | None = None

    @property
    def names_anything(self) -> bool:
        """If False, a conditional request is not possible."""
        return self.etag is not None or self.modified is not None


def validators_of(url: httpx.URL, response: httpx.Response) -> Validators:
    return Validators(str(url), _plain(response, "ETag"), _modified(response))


def conditions(url: httpx.URL, known: Validators | None) -> dict[str, str]:
    """The headers of a conditional request; none if nothing is `known`, or for another URL."""
    if known is None or known.final_url != str(url):
        return {}
    named = {"If-None-Match": known.etag, "If-Modified-Since": known.modified}
    return {name: value for name, value in named.items() if value is not None}


def _plain(response: httpx.Response, name: str) -> str | None:
    value = response.headers.get(name, "")
    return value if _PLAIN.fullmatch(value) else None


def _modified(response: httpx.Response) -> str | None:
    value = _plain(response, "Last-Modified")
    changed = moment_of(value or "")
    answered = moment_of(_plain(response, "Date") or "") or datetime.now(UTC)
    return value if changed is not None and answered - changed >= CERTAIN_AFTER else None
