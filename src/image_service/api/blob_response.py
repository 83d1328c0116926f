"""A blob as an HTTP answer: conditions, one byte range, streaming (RFC 9110, 13 and 14)."""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from image_service.api import etags
from image_service.storage.base import Blob, ByteRange

Opener = Callable[[ByteRange | None], Awaitable[Blob]]

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII | re.IGNORECASE)


async def blob_response(request: Request, open_blob: Opener, media_type: str, headers: Mapping[str, str]) -> Response:
    """200, 206 or 304; also for HEAD. Raises what `open_blob` raises."""
    blob = await open_blob(None)
    validators = {
        **headers,
        "ETag": blob.etag,
        "Last-Modified": format_datetime(blob.modified.astimezone(UTC), usegmt=True),
    }
    if _is_current(request, blob):
        await blob.aclose()
        return Response(status_code=304, headers=validators)
    byte_range = _range_wanted(request, blob)
    if byte_range is not None:
        await blob.aclose()
        blob = await open_blob(byte_range)
    validators |= {
        "Accept-Ranges": "bytes",
        "Content-Type": media_type,
        "Content-Length": str(blob.stop - blob.start),
    }
    if byte_range is None:
        return _BlobResponse(blob, 200, validators)
    validators["Content-Range"] = f"bytes {blob.start}-{blob.stop - 1}/{blob.size}"
    return _BlobResponse(blob, 206, validators)


class _BlobResponse(Response):
    """Streams the chunks, and closes the blob however that ends."""

    def __init__(self, blob: Blob, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(status_code=status, headers=headers)
        self._blob = blob

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] != "HEAD":
                async for chunk in self._blob.chunks:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await self._blob.aclose()


def _is_current(request: Request, blob: Blob) -> bool:
    """`If-Modified-Since` counts only where there is no `If-None-Match`."""
    if "if-none-match" in request.headers:
        return etags.is_current(request, blob.etag)
    since = _date(request.headers.get("if-modified-since"))
    return since is not None and blob.modified.replace(microsecond=0) <= since


def _range_wanted(request: Request, blob: Blob) -> ByteRange | None:
    """None: the whole. Several ranges, a range of what was another version (`If-Range`), or of what is not sent at
    all (14.2: only GET has ranges) are not served.
    """
    match = _RANGE.fullmatch(request.headers.get("range", "").strip())
    condition = request.headers.get("if-range")
    if request.method != "GET" or match is None or not (match[1] or match[2]):
        return None
    if condition is not None and condition != blob.etag and _date(condition) != _second(blob.modified):
        return None
    first, last = (int(digits) if digits else None for digits in match.groups())
    if first is not None and last is not None and first > last:
        return None  # not a valid range: RFC 9110, 14.1.1
    return ByteRange(first, last)


def _second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _date(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # the second: a year or a zone beyond a machine's integer
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
