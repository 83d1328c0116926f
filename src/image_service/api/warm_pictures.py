"""Pictures that have been served before, ahead of the framework: one open, one read, no hop to a thread.

Their lines in the log are for `LOG_LEVEL=debug` alone: behind nginx the service does not even hear of them.

What is remembered of an answer is its headers and the blob's name, and the bytes of those asked for lately
(`hot_pictures`). The file is asked each time whether it is still there and the same: a picture which another worker or
replica has removed is gone here with the same request.
"""

import logging
import random
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from image_service import metrics
from image_service.api.blob_response import byte_range
from image_service.api.delivery import DIALECT, ROUTE, SERVED, Served
from image_service.api.guard import send_all
from image_service.api.hot_pictures import HotPictures
from image_service.api.request_log import REQUEST_ID, fields
from image_service.edge.limits import MAX_HEADERS, ConnectionLimits
from image_service.errors import RangeNotSatisfiable
from image_service.pixels.picture import Format
from image_service.storage.base import AtHand, ByteRange, Storage

log = structlog.get_logger()

MAX_KNOWN = 8192  # answers whose headers are remembered; about 16 MB
MAX_BYTES = 1024 * 1024  # of a picture that is read in one go, in which nothing else happens: 0.1 ms
HOT_BYTES = 32 * 1024 * 1024  # of pictures in memory
MAX_HOT_BYTES = 256 * 1024  # of one of them
MAX_ACCEPT_BYTES = 256  # browsers' own are half of that

# Whatever asks for more than the picture or a part of it, or may have to be refused, is the framework's.
_UNUSUAL = frozenset((b"if-range", b"if-modified-since", b"transfer-encoding", b"content-length", b"content-encoding"))

Key = tuple[bytes, bytes]  # the path as it was sent, and `Accept`


class WarmPictures:
    def __init__(self, app: ASGIApp, storage: Callable[[], Storage], limits: ConnectionLimits) -> None:
        """`storage`: there is one once the service has started."""
        self._app = app
        self._storage = storage
        self._limits = limits
        self._known: OrderedDict[Key, Served] = OrderedDict()
        self._hot = HotPictures(HOT_BYTES, MAX_HOT_BYTES)
        self._counts = {
            (method, status): metrics.REQUESTS.labels(DIALECT.name, ROUTE, method, status)
            for method in ("GET", "HEAD")
            for status in (200, 206, 304)
        }
        self._seconds = {
            method: metrics.REQUEST_SECONDS.labels(DIALECT.name, ROUTE, method) for method in ("GET", "HEAD")
        }
        self._sent = metrics.SENT_BYTES.labels(DIALECT.name)
        self._formats = {format_: metrics.SERVED.labels(format_) for format_ in Format}
        self._types = {format_: format_.media_type.encode() for format_ in Format}
        self._has_lines = log.is_enabled_for(logging.DEBUG)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(DIALECT.prefix):
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        asked = _asked(scope)
        if asked is not None:
            served = self._known.get(asked.key)
            if served is not None and asked.condition in ("", served.etag):
                if await self._serve(served, asked, scope, receive, send, started):
                    return
                self._known.pop(asked.key, None)
        await self._app(scope, receive, send)
        if asked is not None and SERVED in scope:
            self._known[asked.key] = scope[SERVED]
            if len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)

    async def _serve(
        self, served: Served, asked: "_Asked", scope: Scope, receive: Receive, send: Send, started: float
    ) -> bool:
        """False, with nothing sent: the blob has gone, has changed, cannot be read without waiting, or ends before the
        range."""
        body: bytes | bytearray = b""
        headers = [*served.headers, (b"x-request-id", asked.request_id)]
        if asked.condition:
            status = 304
            if self._storage().etag_at_hand(served.blob) != served.etag:
                return False
        else:
            found = self._found(served, asked.range)
            if found is None:
                return False
            status, body = 200, found.data
            type_ = self._types[served.format]
            headers += [(b"accept-ranges", b"bytes"), (b"content-type", type_), (b"content-length", b"%d" % len(body))]
            if asked.range is not None:
                status, stop = 206, found.start + len(body)
                headers.append((b"content-range", b"bytes %d-%d/%d" % (found.start, stop - 1, found.size)))
        method: str = scope["method"]
        if method == "HEAD":
            body = b""
        start = {"type": "http.response.start", "status": status, "headers": headers}
        with suppress(ClientDisconnect):
            await send_all(scope, receive, send, self._limits, start, body)
        seconds = time.perf_counter() - started
        if self._has_lines:
            line = fields(scope, ROUTE, status, seconds, 0, len(body))
            log.debug("request", request_id=asked.request_id.decode("ascii"), **line)
        self._counts[method, status].inc()
        self._seconds[method].observe(seconds)
        if body:
            self._sent.inc(len(body))
        self._formats[served.format].inc()
        if served.negotiated:
            metrics.NEGOTIATED.labels(served.format).inc()
        return True

    def _found(self, served: Served, range: ByteRange | None) -> AtHand | None:
        storage = self._storage()
        hot = self._hot.find(served.blob, served.etag)
        if hot is None:
            found = storage.at_hand(served.blob, MAX_BYTES, range)
            if found is None or found.etag != served.etag:
                return None
            if range is None:
                self._hot.keep(served.blob, found)
            return found
        if storage.etag_at_hand(served.blob) != served.etag:
            self._hot.forget(served.blob)
            return None
        if range is None:
            return hot
        try:
            start, stop = range.within(hot.size)
        except RangeNotSatisfiable:
            return None
        return hot._replace(data=hot.data[start:stop], start=start)


@dataclass(slots=True)
class _Asked:
    key: Key
    condition: str  # `If-None-Match`
    range: ByteRange | None
    request_id: bytes


def _asked(scope: Scope) -> _Asked | None:
    """None: the framework shall look at it."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if scope["method"] not in ("GET", "HEAD") or len(headers) > MAX_HEADERS:
        return None
    accept = condition = request_id = range_ = b""
    hosts = 0
    for name, value in headers:
        if name == b"host":
            hosts += 1
        elif name == b"accept":
            accept = accept + b"," + value if accept else value
        elif name == b"if-none-match":
            condition = condition + b"," + value if condition else value
        elif name == b"range" and not range_:
            range_ = value
        elif name == b"x-request-id" and not request_id:
            request_id = value
        elif name in _UNUSUAL:
            return None
    if hosts != 1 or len(accept) > MAX_ACCEPT_BYTES:
        return None
    if not (request_id and REQUEST_ID.fullmatch(request_id.decode("latin-1"))):
        request_id = b"%032x" % random.getrandbits(128)
    wanted = byte_range(range_.decode("latin-1")) if range_ and scope["method"] == "GET" else None
    return _Asked((scope["raw_path"], accept), condition.decode("latin-1"), wanted, request_id)
