"""Browsers on other origins may use the API, if a setting names theirs. Pictures are for every origin anyway.

Never with credentials (cookies, a browser's own Basic): a script sends its token in a header of its own making.
"""

import re
from collections.abc import Collection, Sequence

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from image_service.web.dialect import dialect_of
from image_service.web.middleware.response_headers import note

METHODS = "GET, POST, PUT, DELETE"
# Beside the credentials.
SENT = (
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Prefer",
    "X-Request-Id",
)
EXPOSED = ("ETag", "Link", "Location", "Problem", "Retry-After", "X-Request-Id", "X-Total-Count")  # beside the rates
PREFLIGHT_SECONDS = 600  # as long as the strictest browser keeps it
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2


def allowed_headers(asked: str, ours: Sequence[str]) -> str:
    """What a preflight is answered: our own names, and all others that it asks for.

    Libraries set headers of their own (`Cache-Control`, `X-Requested-With`), and a browser sends nothing at all where
    one is not allowed. None of them can do harm: a browser adds no credentials here, and no header is one but those
    that the service reads as such.
    """
    known = {name.lower() for name in ours}
    others = {name.lower(): None for name in map(str.strip, asked.split(",")) if _NAME.fullmatch(name)}
    return ", ".join((*ours, *(name for name in others if name not in known)))


def exposed(scope: Scope) -> str:
    """The headers of an answer to this request that a script may read."""
    return ", ".join((*EXPOSED, *dialect_of(scope).rates.described))


class Cors:
    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._origins:
            await self._app(scope, receive, send)
            return
        note(scope, {"Vary": "Origin"})
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin not in self._origins:
            await self._app(scope, receive, send)
            return
        note(scope, {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": exposed(scope)})
        if scope["method"] != "OPTIONS" or "access-control-request-method" not in headers:
            await self._app(scope, receive, send)
            return
        # Asked by the browser itself, before the call and without its token.
        credentials = [scheme.header.title() for scheme in dialect_of(scope).credentials]
        answer = {
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": allowed_headers(
                headers.get("access-control-request-headers", ""), (*credentials, *SENT)
            ),
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
        }
        await Response(status_code=204, headers=answer)(scope, receive, send)
