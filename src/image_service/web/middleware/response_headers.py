"""The outermost middleware: sets the client's address and the dialect, and completes the answer's headers.

Headers given to `note` are on every answer: a route's, a dialect's error, or the 500 for a bug. The dialect's headers
are added unless the answer has its own.
"""

from collections.abc import Callable, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_service.edge.client_address import Networks, client_address
from image_service.edge.exchange import EXCHANGE
from image_service.edge.spelling import with_capitals
from image_service.web.dialect import SCOPE_KEY, Dialect

_NOTED = "image_service.answer_headers"


def note(scope: Scope, headers: Mapping[str, str]) -> None:
    """Add headers to the answer of this request."""
    scope.setdefault(_NOTED, {}).update(headers)


class ResponseHeaders:
    def __init__(self, app: ASGIApp, dialect_of: Callable[[str, str], Dialect], trusted_proxies: Networks) -> None:
        """`dialect_of` finds the dialect of a path and a method."""
        self._app = app
        self._dialect_of = dialect_of
        self._trusted = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        settle_client(scope, self._trusted)
        dialect = scope[SCOPE_KEY] = self._dialect_of(scope["path"], scope["method"])
        noted: dict[str, str] = scope.setdefault(_NOTED, {})

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                is_preflight = scope["method"] == "OPTIONS" and message["status"] < 300  # sent without credentials
                for name, value in ({} if is_preflight else dialect.headers).items():
                    _add_vary(headers, value) if name == "Vary" else headers.setdefault(name, value)
                for name, value in noted.items():
                    if name == "Vary":
                        _add_vary(headers, value)
                    else:
                        headers[name] = value
                if dialect.has_capitals and EXCHANGE in scope:
                    message["headers"] = with_capitals(headers.raw)
            await send(message)

        await self._app(scope, receive, completed)


def _add_vary(headers: MutableHeaders, value: str) -> None:
    """Add the names that are missing: a repeated answer may have them already."""
    there = {name.strip().lower() for name in headers.get("vary", "").split(",")}
    if missing := [name for name in value.split(", ") if name.lower() not in there]:
        headers.add_vary_header(", ".join(missing))


def settle_client(scope: Scope, trusted_proxies: Networks) -> None:
    """Put the address that trusted proxies forward into the scope."""
    if trusted_proxies and scope.get("client"):
        peer, _ = scope["client"]
        forwarded = Headers(scope=scope).getlist("x-forwarded-for")
        scope["client"] = (client_address(peer, forwarded, trusted_proxies), 0)
