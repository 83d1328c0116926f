"""A bare ASGI application that answers from memory: what uvicorn, uvloop and httptools leave for anybody else.

LIMIT_FILE names the body; an `If-None-Match` is a 304, a `Range` its first 16 KiB, with as many headers as the service
sends. Nothing of the request is looked at otherwise.
"""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

BODY = Path(os.environ["LIMIT_FILE"]).read_bytes()
PART = BODY[:16384]
MEDIA_TYPE = os.environ.get("LIMIT_TYPE", "image/jpeg").encode()
HEADERS = [
    (b"cache-control", b"public, max-age=31536000, immutable"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"access-control-allow-origin", b"*"),
    (b"vary", b"Accept"),
    (b"etag", b'"65f0c1a2-186a0"'),
    (b"last-modified", b"Sat, 21 Nov 2026 19:17:42 GMT"),
    (b"x-request-id", b"83d9d29ee6d99315c7fdf4b0b6c6dbeb"),
]
WHOLE = [*HEADERS, (b"content-type", MEDIA_TYPE), (b"content-length", str(len(BODY)).encode())]
RANGE = [
    *HEADERS,
    (b"content-type", MEDIA_TYPE),
    (b"content-length", str(len(PART)).encode()),
    (b"content-range", f"bytes 0-{len(PART) - 1}/{len(BODY)}".encode()),
]


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    if scope["type"] == "lifespan":
        while True:
            event = await receive()
            await send({"type": f"{event['type']}.complete"})
            if event["type"] == "lifespan.shutdown":
                return
    names = {name for name, _ in scope["headers"]}
    if b"if-none-match" in names:
        status, headers, body = 304, HEADERS, b""
    elif b"range" in names:
        status, headers, body = 206, RANGE, PART
    else:
        status, headers, body = 200, WHOLE, BODY
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
