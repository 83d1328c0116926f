"""Around every request: its id, one log line, its counts, and an answer for what nobody foresaw."""

import re
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_service.telemetry.route_template import method_label, route_template
from image_service.telemetry.tally import AnswerCounts, Tally

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
        tally: Tally,
    ) -> None:
        """`render` words an unforeseen exception in the dialect of the request's path; `dialect_of` names it."""
        self._app = app
        self._render = render
        self._dialect_of = dialect_of
        self._tally = tally
        self._counts: dict[tuple[str, str, str, int], AnswerCounts] = {}  # as many as the labels of their metrics

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
        kind = dialect, route, method, status
        if (counts := self._counts.get(kind)) is None:
            counts = self._counts[kind] = AnswerCounts(self._tally, *kind)
        counts.add(seconds, received, sent)
        log.info("request", **fields(scope, route, status, seconds, received, sent))


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
