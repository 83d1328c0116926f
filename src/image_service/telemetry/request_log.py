"""Around every request: its id, one log line, its counts, and a 500 for unexpected exceptions."""

import logging
import re
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import structlog
from prometheus_client import Counter
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_service.telemetry.count_buffer import AnswerCounts, CountBuffer
from image_service.telemetry.route_template import method_label, route_template

log = structlog.get_logger()

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)  # a client's or proxy's id is kept if it matches
CLIENT_CLOSED = 499  # nginx's status for a closed connection; never sent
MAX_PATH = 500  # characters of it in the log
MAX_AGENT = 200


class Recorder:
    """The only place that counts and logs answers."""

    def __init__(self, buffer: CountBuffer) -> None:
        self._buffer = buffer
        self._counts: dict[tuple[Any, ...], AnswerCounts] = {}  # bounded by the metrics' labels
        self.has_debug = log.is_enabled_for(logging.DEBUG)

    def record(
        self,
        scope: Scope,
        dialect: str,
        route: str,
        status: int,
        seconds: float,
        received: int,
        sent: int,
        *,
        also: tuple[Counter, ...] = (),
        debug_id: str | None = None,
    ) -> None:
        """`received` and `sent`: body bytes; `also`: further counters. With `debug_id`, the request's id, the line is
        logged only for `LOG_LEVEL=debug`.
        """
        kind = dialect, route, method_label(scope), status, also
        if (counts := self._counts.get(kind)) is None:
            counts = self._counts[kind] = AnswerCounts(self._buffer, *kind)
        counts.add(seconds, received, sent)
        if debug_id is None:
            log.info("request", **_fields(scope, route, status, seconds, received, sent))
        elif self.has_debug:
            log.debug("request", request_id=debug_id, **_fields(scope, route, status, seconds, received, sent))


class RequestLog:
    def __init__(
        self,
        app: ASGIApp,
        render: Callable[[Request, Exception], Response],
        label_of: Callable[[Scope], str],
        recorder: Recorder,
        names: Callable[[Scope], bool] = lambda _: True,
    ) -> None:
        """`render` formats an unexpected exception in the dialect of the request's path; `label_of` names the dialect;
        `names` tells whether the answer has an id even if the request had none.
        """
        self._app = app
        self._render = render
        self._label_of = label_of
        self._recorder = recorder
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid4().hex
        is_shown = bool(given) or self._names(scope)
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
                if is_shown:
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
                log.exception("unexpected error")
                if status != CLIENT_CLOSED:
                    raise  # too late for an answer: the server closes the connection
                await self._render(Request(scope), error)(scope, receive, noting)
            finally:
                seconds = time.perf_counter() - started
                label, route = self._label_of(scope), route_template(scope)
                self._recorder.record(scope, label, route, status, seconds, received, sent)


def _fields(scope: Scope, route: str, status: int, seconds: float, received: int, sent: int) -> dict[str, Any]:
    """A log line's fields, besides the request id."""
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
