"""A blob as an HTTP answer: conditions, one byte range, streaming (RFC 9110, 13 and 14)."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response

from image_service.ingest.hosts.dates import moment_of
from image_service.storage.base import Blob, ByteRange
from image_service.web import etags
from image_service.web.answers import StreamedResponse

Opener = Callable[[ByteRange | None], Awaitable[Blob]]

MAX_RANGE = 40  # maximum characters of a match of the next line
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class _Validators:
    etag: str
    modified: datetime | None  # in whole seconds; None: ignore dates


async def blob_response(
    request: Request, open_blob: Opener, media_type: str, headers: Mapping[str, str], *, etag: str | None = None
) -> Response:
    """200, 206 or 304; also for HEAD. Raises what `open_blob` raises.

    `etag`: for a URL whose bytes may change. The blob's own tag, made of a second and a size, and its date might be
    the same for both pictures.
    """
    blob = await open_blob(None)
    current = _Validators(blob.etag, _second(blob.modified)) if etag is None else _Validators(etag, None)
    validators = {**headers, "ETag": current.etag}
    if current.modified is not None:
        validators["Last-Modified"] = format_datetime(current.modified, usegmt=True)
    if _is_current(request, current):
        await blob.aclose()
        return Response(status_code=304, headers=validators)
    byte_range = _range_wanted(request, current)
    if byte_range is not None:
        await blob.aclose()
        blob = await open_blob(byte_range)
    validators |= {
        "Accept-Ranges": "bytes",
        "Content-Type": media_type,
        "Content-Length": str(blob.stop - blob.start),
    }
    if byte_range is None:
        return StreamedResponse(blob.chunks, blob.aclose, 200, validators)
    validators["Content-Range"] = f"bytes {blob.start}-{blob.stop - 1}/{blob.size}"
    return StreamedResponse(blob.chunks, blob.aclose, 206, validators)


def _is_current(request: Request, current: _Validators) -> bool:
    """`If-Modified-Since` counts only without `If-None-Match`."""
    if "if-none-match" in request.headers:
        return etags.is_current(request, current.etag)
    since = moment_of(request.headers.get("if-modified-since", ""))
    return since is not None and current.modified is not None and current.modified <= since


def _range_wanted(request: Request, current: _Validators) -> ByteRange | None:
    """None: the whole. `Range` is ignored if `If-Range` names another version, or the method is not GET (14.2: only
    GET has ranges).
    """
    condition = request.headers.get("if-range")
    if request.method != "GET":
        return None
    if condition is not None and condition != current.etag and (moment_of(condition) or 0) != current.modified:
        return None
    return byte_range(request.headers.get("range", ""))


def byte_range(header: str) -> ByteRange | None:
    """The parsed `Range`; None for several ranges, another unit, or a malformed one: the whole is sent."""
    header = header.strip()
    return _byte_range(header) if len(header) <= MAX_RANGE else None


@lru_cache(256)  # clients send the same few
def _byte_range(header: str) -> ByteRange | None:
    match = _RANGE.fullmatch(header)
    if match is None or not (match[1] or match[2]):
        return None
    first, last = (int(digits) if digits else None for digits in match.groups())
    if first is not None and last is not None and first > last:
        return None  # not a valid range: RFC 9110, 14.1.1
    return ByteRange(first, last)


def _second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
