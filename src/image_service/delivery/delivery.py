"""Public pictures, as one ASGI application: parses each URL once, then answers from the cache, from storage, or with a
newly rendered variant.

Runs before FastAPI. Answers from the cache are logged only with `LOG_LEVEL=debug`: behind nginx, such requests do not
reach the service at all.
"""

import time
from collections.abc import Sequence
from contextlib import nullcontext, suppress

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from image_service.delivery.asked import Asked, asked_in
from image_service.delivery.cache import MAX_CACHED_BYTES, PictureCache
from image_service.delivery.derived import ReadSize
from image_service.delivery.find import find
from image_service.delivery.names import LABEL, PUBLIC, ROUTE
from image_service.edge.client_address import Networks
from image_service.edge.exchange import EXCHANGE, Exchange
from image_service.edge.limits import ConnectionLimits
from image_service.errors import ImageServiceError
from image_service.telemetry.request_log import Recorder, RequestLog
from image_service.web.dialect import MAX_REASON
from image_service.web.middleware.guard import Guard, send_all
from image_service.web.middleware.response_headers import settle_client
from image_service.web.parts import Parts
from image_service.web.problems import problem_of

_ASKED = "image_service.picture_asked"  # in the scope


class Delivery:
    parts: Parts  # set when the service starts

    def __init__(
        self, limits: ConnectionLimits, trusted_proxies: Networks, recorder: Recorder, readers: Sequence[ReadSize]
    ) -> None:
        """`readers` parse sizes that clients put into URLs themselves."""
        self._readers = readers
        self._limits = limits
        self._trusted = trusted_proxies
        self._recorder = recorder
        self._cache = PictureCache()
        self._logged = RequestLog(Guard(self._find, render, limits), render, lambda _: LABEL, recorder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        asked = asked_in(scope)
        if asked is not None and await self._answered(asked, scope, receive, send, started):
            return
        settle_client(scope, self._trusted)
        scope[_ASKED], scope["app"], scope["route"], scope["path_params"] = asked, self, ROUTE, {}
        await self._logged(scope, receive, send)

    async def _answered(self, asked: Asked, scope: Scope, receive: Receive, send: Send, started: float) -> bool:
        """Send the cached answer; False if there is none."""
        hit = self._cache.find(asked, self.parts.storage)
        if hit is None:
            return False
        headers = [*hit.headers, (b"x-request-id", asked.request_id)]
        body = b"" if scope["method"] == "HEAD" else hit.body
        exchange: Exchange | None = scope.get(EXCHANGE)
        memory = exchange.memory if exchange is not None and len(body) > MAX_CACHED_BYTES else None
        if memory is not None and memory.is_short:  # the bytes are not cached
            return False  # they are read in pieces, as memory allows
        with suppress(ClientDisconnect), memory.taken(len(body)) if memory is not None else nullcontext():
            start = {"type": "http.response.start", "status": hit.status, "headers": headers}
            await send_all(scope, receive, send, self._limits, start, body)
        if self._recorder.has_debug:
            settle_client(scope, self._trusted)  # for the log line
        self._recorder.record(
            scope,
            LABEL,
            ROUTE.path_format,
            hit.status,
            time.perf_counter() - started,
            0,
            len(body),
            also=hit.counters,
            debug_id=asked.request_id.decode("ascii"),
        )
        return True

    async def _find(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, served = Request(scope, receive), None
        if request.method in ("GET", "HEAD"):
            try:
                response, served = await find(request, self.parts, self._readers)
            except ImageServiceError as error:
                response = render(request, error)
        else:
            response = render(request, HTTPException(405, headers={"Allow": "GET, HEAD"}))
        await response(scope, receive, send)
        asked: Asked | None = scope[_ASKED]
        if asked is not None and served is not None:
            self._cache.keep(asked.key, served)


def render(request: Request, error: Exception) -> Response:
    """Any exception as JSON, with `no-store`."""
    problem = problem_of(error)
    request.scope["problem"] = f"{type(error).__name__} {error}".strip()[:MAX_REASON]  # for the log
    body = {"code": problem.status, "message": problem.reason}
    headers = {**problem.headers, **PUBLIC, "Cache-Control": "no-store"}
    return JSONResponse(body, problem.status, headers)
