"""The answer to a malformed request, or one without a place: closes the connection."""

import json
from http import HTTPStatus

from image_service.edge.reasons import REASONS


def refusal(status: HTTPStatus) -> bytes:
    phrase = REASONS.get(status, status.phrase)
    body = json.dumps({"code": status, "message": phrase}).encode()
    lines = [
        b"HTTP/1.1 %d %s" % (status, phrase.encode()),
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
        b"Cache-Control: no-store",
        b"Connection: close",
    ]
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        lines.append(b"Retry-After: 1")
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
