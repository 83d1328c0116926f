"""Parses the head of a picture request."""

import random
from dataclasses import dataclass

from starlette.types import Scope

from image_service.edge.limits import MAX_HEADERS
from image_service.storage.base import ByteRange
from image_service.telemetry.request_log import REQUEST_ID
from image_service.web.blob_response import byte_range

MAX_ACCEPT_BYTES = 256  # browsers send half of that
# Requests with these are answered without the cache.
_UNUSUAL = frozenset((b"if-range", b"if-modified-since", b"transfer-encoding", b"content-length", b"content-encoding"))

Key = tuple[bytes, bytes]  # the path as it was sent, and `Accept`


@dataclass(slots=True)
class Asked:
    key: Key
    condition: str  # `If-None-Match`
    range: ByteRange | None
    request_id: bytes


def asked_in(scope: Scope) -> Asked | None:
    """None if the request is unusual, or may be refused."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if scope["method"] not in ("GET", "HEAD") or len(headers) > MAX_HEADERS:
        return None
    accept = condition = request_id = range_ = b""
    hosts = 0
    for name, value in headers:
        match name:
            case b"host":
                hosts += 1
            case b"accept":
                accept = accept + b"," + value if accept else value
            case b"if-none-match":
                condition = condition + b"," + value if condition else value
            case b"range":
                range_ = range_ or value
            case b"x-request-id":
                request_id = request_id or value
            case _ if name in _UNUSUAL:
                return None
    if hosts != 1 or len(accept) > MAX_ACCEPT_BYTES:
        return None
    if not (request_id and REQUEST_ID.fullmatch(request_id.decode("latin-1"))):
        request_id = b"%032x" % random.getrandbits(128)
    wanted = byte_range(range_.decode("latin-1")) if range_ and scope["method"] == "GET" else None
    return Asked((scope["raw_path"], accept), condition.decode("latin-1"), wanted, request_id)
