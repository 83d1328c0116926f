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
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from image_service.delivery.hot_pictures import HotPictures
from image_service.delivery.routes import DIALECT, ROUTE, SERVED, Served
from image_service.edge.limits import MAX_HEADERS, ConnectionLimits
from image_service.errors import RangeNotSatisfiable
from image_service.pixels.picture import Format
from image_service.storage.base import AtHand, ByteRange, Storage
from image_service.telemetry import metrics
from image_service.telemetry.request_log import REQUEST_ID, fields
from image_service.telemetry.tally import AnswerCounts, Tally
from image_service.web.blob_response import byte_range
from image_service.web.middleware.guard import send_all

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
    storage: Storage  # there is one once the service has started

    def __init__(self, app: ASGIApp, limits: ConnectionLimits, tally: Tally) -> None:
        self._app = app
        self._limits = limits
        self._tally = tally
        self._known: OrderedDict[Key, _Known] = OrderedDict()
        self._kinds: dict[tuple[Format, bool], _Kind] = {}
        self._hot = HotPictures(HOT_BYTES, MAX_HOT_BYTES)
        self._has_lines = log.is_enabled_for(logging.DEBUG)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(DIALECT.prefix):
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        asked = _asked(scope)
        if asked is not None:
            known = self._known.get(asked.key)
            if known is not None and asked.condition in ("", known.served.etag):
                if await self._serve(known, asked, scope, receive, send, started):
                    return
                self._known.pop(asked.key, None)
        await self._app(scope, receive, send)
        if asked is not None and SERVED in scope:
            self._remember(asked.key, scope[SERVED])

    def _remember(self, key: Key, served: Served) -> None:
        format_and_way = served.format, served.negotiated
        if (kind := self._kinds.get(format_and_way)) is None:
            kind = self._kinds[format_and_way] = _Kind(self._tally, *format_and_way)
        self._known[key] = _Known(served, kind)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)

    async def _serve(
        self, known: "_Known", asked: "_Asked", scope: Scope, receive: Receive, send: Send, started: float
    ) -> bool:
        """False, with nothing sent: the blob has gone, has changed, cannot be read without waiting, or ends before the
        range."""
        served, kind = known.served, known.kind
        body: bytes | bytearray = b""
        headers = [*served.headers, (b"x-request-id", asked.request_id)]
        if asked.condition:
            status = 304
            if self.storage.etag_at_hand(served.blob) != served.etag:
                return False
        else:
            found = self._found(served, asked.range)
            if found is None:
                return False
            status, body = 200, found.data
            headers += [*kind.headers, (b"content-length", b"%d" % len(body))]
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
        kind.counts[method, status].add(seconds, 0, len(body))
        return True

    def _found(self, served: Served, range: ByteRange | None) -> AtHand | None:
        storage = self.storage
        whole = self._hot.find(served.blob, served.etag)
        if whole is None:
            whole = storage.at_hand(served.blob, MAX_BYTES if range is None else MAX_HOT_BYTES)
            if whole is None and range is not None:  # too large to be kept: the range is read alone
                part = storage.at_hand(served.blob, MAX_BYTES, range)
                return part if part is not None and part.etag == served.etag else None
            if whole is None or whole.etag != served.etag:
                return None
            self._hot.keep(served.blob, whole)
        elif storage.etag_at_hand(served.blob) != served.etag:
            self._hot.forget(served.blob)
            return None
        if range is None:
            return whole
        try:
            start, stop = range.within(whole.size)
        except RangeNotSatisfiable:
            return None
        return AtHand(whole.data[start:stop], start, whole.size, whole.etag)


class _Kind:
    """What answers of one format have in common."""

    def __init__(self, tally: Tally, format_: Format, negotiated: bool) -> None:
        also_counted = [metrics.SERVED.labels(format_)]
        if negotiated:
            also_counted.append(metrics.NEGOTIATED.labels(format_))
        self.headers = ((b"accept-ranges", b"bytes"), (b"content-type", format_.media_type.encode()))
        self.counts = {
            (method, status): AnswerCounts(tally, DIALECT.name, ROUTE, method, status, also_counted)
            for method in ("GET", "HEAD")
            for status in (200, 206, 304)
        }


class _Known(NamedTuple):
    served: Served
    kind: _Kind


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
