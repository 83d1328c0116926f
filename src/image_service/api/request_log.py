"""Around every request: its id, one log line, and an answer for what nobody foresaw."""

import re
import time
from collections.abc import Callable
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)  # one that a client or a proxy gave is kept if it fits
CLIENT_CLOSED = 499  # nginx's number for a client that went away; never sent


class RequestLog:
    def __init__(self, app: ASGIApp, render: Callable[[Request, Exception], Response]) -> None:
        """`render` words an unforeseen exception in the dialect of the request's path."""
        self._app = app
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid4().hex
        started = time.perf_counter()
        status, sent = CLIENT_CLOSED, 0

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
                await self._app(scope, receive, noting)
            except ClientDisconnect:
                pass
            except Exception as error:
                log.exception("unforeseen")
                if status != CLIENT_CLOSED:
                    raise  # too late for an answer: the connection is closed in mid-body
                await self._render(Request(scope), error)(scope, receive, noting)
            finally:
                client = scope.get("client")
                log.info(
                    "request",
                    method=scope["method"],
                    path=scope["path"][:500],
                    status=status,
                    milliseconds=round((time.perf_counter() - started) * 1000, 1),
                    bytes_out=sent,
                    store=scope.get("store_id"),
                    client=client[0] if client else None,
                    reason=scope.get("problem"),
                )
