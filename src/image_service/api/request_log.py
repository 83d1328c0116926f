"""Around every request: its id, one log line, its counts, and an answer for what nobody foresaw."""

import re
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import uuid4

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_service import metrics
from image_service.api.route_template import method_label, route_template

log = structlog.get_logger()

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)  # one that a client or a proxy gave is kept if it fits
CLIENT_CLOSED = 499  # nginx's number for a client that went away; never sent
MAX_PATH = 500  # characters of it in the log
MAX_AGENT = 200


class RequestLog:
    def __init__(
        self,
        app: ASGIApp,
        render: Callable[[Request, Exception], Response],
        dialect_of: Callable[[str], str],
    ) -> None:
        """`render` words an unforeseen exception in the dialect of the request's path; `dialect_of` names it."""
        self._app = app
        self._render = render
        self._dialect_of = dialect_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid4().hex
        started = time.perf_counter()
        status, received, sent = CLIENT_CLOSED, 0, 0

        async def counting() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def noting(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            else:
                sent += len(message.get("body", b""))
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, counting, noting)
            except ClientDisconnect:
                pass
            except Exception as error:
                log.exception("unforeseen")
                if status != CLIENT_CLOSED:
                    raise  # too late for an answer: the connection is closed in mid-body
                await self._render(Request(scope), error)(scope, receive, noting)
            finally:
                self._note(scope, status, time.perf_counter() - started, received, sent)

    def _note(self, scope: Scope, status: int, seconds: float, received: int, sent: int) -> None:
        dialect, route, method = self._dialect_of(scope["path"]), route_template(scope), method_label(scope)
        series = _series(dialect, route, method, status)
        series.requests.inc()
        series.seconds.observe(seconds)
        if received:
            series.received.inc(received)
        if sent:
            series.sent.inc(sent)
        log.info("request", **fields(scope, route, status, seconds, received, sent))


class _Series(NamedTuple):
    requests: Counter
    seconds: Histogram
    received: Counter
    sent: Counter


@lru_cache(1024)
def _series(dialect: str, route: str, method: str, status: int) -> _Series:
    """Looking them up by their labels takes longer than counting."""
    return _Series(
        metrics.REQUESTS.labels(dialect, route, method, status),
        metrics.REQUEST_SECONDS.labels(dialect, route, method),
        metrics.RECEIVED_BYTES.labels(dialect),
        metrics.SENT_BYTES.labels(dialect),
    )


def fields(scope: Scope, route: str, status: int, seconds: float, received: int, sent: int) -> dict[str, Any]:
    """What a line says of a request, beside its id."""
    client = scope.get("client")
    return {
        "method": scope["method"][:20],
        "path": scope["path"][:MAX_PATH],
        "route": route,
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
        "bytes_in": received,
        "bytes_out": sent,
        "store": scope.get("store_id"),
        "client": client[0] if client else None,
        "agent": Headers(scope=scope).get("user-agent", "")[:MAX_AGENT] or None,
        "reason": scope.get("problem"),
    }
