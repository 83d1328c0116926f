"""Lets browsers use the API from the origins in a setting. Pictures are open to every origin anyway.

Never with credentials (cookies, a browser's own Basic): a script sends its token in a header that it sets.
"""

import re
from collections.abc import Collection, Sequence

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from image_service.web.dialect import dialect_of
from image_service.web.middleware.response_headers import note

METHODS = "GET, POST, PUT, DELETE"
# Besides the credentials.
SENT = (
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Prefer",
    "X-Request-Id",
)
EXPOSED = ("ETag", "Link", "Location", "Problem", "Retry-After", "X-Request-Id", "X-Total-Count")  # besides the rates
PREFLIGHT_SECONDS = 600  # the strictest browser's limit
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2


def allowed_headers(asked: str, ours: Sequence[str]) -> str:
    """The headers for a preflight's answer: the service's own, and all others requested.

    Libraries add headers (`Cache-Control`, `X-Requested-With`), and a browser does not send the request if one is not
    allowed. They are harmless: a browser adds no credentials here, and the service reads credentials only from its
    own headers.
    """
    known = {name.lower() for name in ours}
    others = {name.lower(): None for name in map(str.strip, asked.split(",")) if _NAME.fullmatch(name)}
    return ", ".join((*ours, *(name for name in others if name not in known)))


def exposed(scope: Scope) -> str:
    """The headers of the answer that a script may read."""
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
        # A preflight: the browser sends it before the call, without the token.
        credentials = [scheme.header.title() for scheme in dialect_of(scope).credentials]
        answer = {
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": allowed_headers(
                headers.get("access-control-request-headers", ""), (*credentials, *SENT)
            ),
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
        }
        await Response(status_code=204, headers=answer)(scope, receive, send)
