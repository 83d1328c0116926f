"""The answer to a malformed request, or one without a place: closes the connection. And all answers' first lines."""

import json
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from image_service.edge.reasons import REASONS

# uvicorn's table has the phrases of this Python.
STATUS_LINE.update({status: f"HTTP/1.1 {status} {reason}\r\n".encode() for status, reason in REASONS.items()})


def refusal(status: HTTPStatus) -> bytes:
    body = json.dumps({"code": status, "message": status.phrase}).encode()
    lines = [
        b"HTTP/1.1 %d %s" % (status, status.phrase.encode()),
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
        b"Cache-Control: no-store",
        b"Connection: close",
    ]
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        lines.append(b"Retry-After: 1")
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
