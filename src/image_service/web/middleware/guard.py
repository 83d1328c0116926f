"""Around every request, before any route: refuses malformed requests, and enforces a minimum pace both ways.

`edge/protocol.py` makes the checks before a path is known; routes limit the size of bodies.
"""

import asyncio
import re
import time
from collections.abc import Callable

import structlog
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_service.edge.exchange import EXCHANGE, Exchange
from image_service.edge.limits import MAX_HEADERS, SMALL_BYTES, ConnectionLimits
from image_service.web.dialect import SCOPE_KEY, dialect_of

log = structlog.get_logger()

# Clients also write the charset here, or `none`: any other name is ignored.
_CODINGS = re.compile(rb"(?<![^\s,])(?:x-)?(?:gzip|compress|deflate|br|zstd)(?![^\s,])", re.IGNORECASE)


class Guard:
    def __init__(
        self, app: ASGIApp, render: Callable[[Request, Exception], Response], limits: ConnectionLimits
    ) -> None:
        """`render` formats a refusal in the request's dialect."""
        self._app = app
        self._render = render
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        guarded = Pace(scope, receive, send, self._limits)
        if status := _refusal(scope):
            answer = self._render(Request(scope), HTTPException(status))
            answer.headers["Connection"] = "close"  # its end may be ambiguous
            await answer(scope, guarded.receive, guarded.send)
        elif b"%" in scope["raw_path"] and not (SCOPE_KEY in scope and dialect_of(scope).has_text(scope["raw_path"])):
            # No other path needs `%`. `%31` for `1` would be a second URL for the same resource, and a proxy that
            # hides `/metrics` may not know `/%6detrics`.
            await self._render(Request(scope), HTTPException(404))(scope, guarded.receive, guarded.send)
        else:
            await self._app(scope, guarded.receive, guarded.send)


class Pace:
    """Both ways of a request."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, limits: ConnectionLimits, *, already_sent: int = 0
    ) -> None:
        """`already_sent`: bytes of the previous message, if any."""
        self._receive = receive
        self._send = send
        self._exchange: Exchange | None = scope.get(EXCHANGE)
        self._limits = limits
        self._came = 0  # bytes
        self._went = already_sent
        self._waited = 0.0  # seconds, for the body
        self._last = already_sent  # bytes of the last message sent
        self._has_begun = False  # the answer
        self._is_received = False

    async def receive(self) -> Message:
        """Raises `HTTPException` (408, 400); code that reads the body lets it pass."""
        if self._is_received or self._has_begun:
            return await self._receive()  # waits for the client to leave
        # Count only time spent waiting for the client: an upload queued in this service is not slow.
        earned = min(self._time_for(self._came), self._limits.body_seconds)
        began = time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, earned - self._waited)):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408) from None
        self._waited += time.monotonic() - began
        if self._exchange is not None and self._exchange.is_malformed and not self._exchange.is_received:
            raise HTTPException(400)
        self._came += len(message.get("body", b""))
        self._is_received = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Raises `ClientDisconnect` when the client does not take the answer."""
        if message["type"] == "http.response.start":
            self._has_begun = True
            if self._exchange is not None and not self._exchange.is_received:
                MutableHeaders(scope=message)["Connection"] = "close"  # instead of reading an unneeded body
        try:
            # A send waits for the previous message to drain. Earlier messages earn no extra time: the first few go
            # into the system's buffer, even for a slow client.
            if self._exchange is not None and not self._exchange.is_backed_up():
                await self._send(message)  # without a timer, which costs more than the rest
            else:
                async with asyncio.timeout(self._time_for(self._last)):
                    await self._send(message)
        except TimeoutError:
            await self._abort()
            raise ClientDisconnect from None
        self._last = len(message.get("body", b""))
        self._went += self._last

    def _time_for(self, count: int) -> float:
        return self._limits.stall_seconds + count / self._limits.bytes_per_second

    async def _abort(self) -> None:
        log.info("client read the response too slowly", bytes_out=self._went)
        if self._exchange is not None:
            self._exchange.abort()
            while (await self._receive())["type"] != "http.disconnect":
                pass


async def send_all(
    scope: Scope, receive: Receive, send: Send, limits: ConnectionLimits, start: Message, body: bytes | bytearray
) -> None:
    """Send a complete answer at the pace of `Pace`. Raises `ClientDisconnect`."""
    exchange: Exchange | None = scope.get(EXCHANGE)

    def is_free() -> bool:
        """Nothing waits for the client, so no timer is needed."""
        return exchange is not None and exchange.is_received and not exchange.is_backed_up()

    await (send if is_free() else Pace(scope, receive, send, limits).send)(start)
    if is_free() and len(body) <= SMALL_BYTES:
        await send({"type": "http.response.body", "body": body})
        return
    first = {"type": "http.response.body", "body": body, "more_body": True}
    await (send if is_free() else Pace(scope, receive, send, limits).send)(first)
    # Waits until the body is taken.
    last = Pace(scope, receive, send, limits, already_sent=len(body)).send
    await last({"type": "http.response.body"})


def _refusal(scope: Scope) -> int | None:
    """The error status for a malformed head; None: it is valid."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if len(headers) > MAX_HEADERS:
        return 431
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) > 1 or (not hosts and scope["http_version"] == "1.1"):
        return 400  # two servers may choose different ones
    codings = [value.lower() for name, value in headers if name == b"transfer-encoding"]
    has_length = any(name == b"content-length" for name, _ in headers)
    if codings and (codings != [b"chunked"] or has_length or scope["http_version"] == "1.0"):
        return 400  # other codings would have to be decoded first; 1.0 has none (RFC 9112, 6.1)
    if any(name == b"content-encoding" and _CODINGS.search(value) for name, value in headers):
        return 415  # a decompressed body has no bound
    return None
