"""Answers: finished JSON ones, to be sent as 200 or 304, and streamed ones; what a client accepts."""

import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from image_service.edge.exchange import EXCHANGE, Exchange
from image_service.edge.limits import SMALL_BYTES
from image_service.storage.base import CHUNK_BYTES
from image_service.web import etags

_REFUSED = re.compile(r"\bq\s*=\s*0(\.0{0,3})?\s*(;|$)")  # RFC 9110, 12.4.2
END = {"type": "http.response.body", "body": b""}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # including `ETag`
    body: bytes

    def with_body(self, body: bytes) -> "Answer":
        return replace(self, body=body)

    def is_current(self, request: Request) -> bool:
        """The client has it."""
        return request.method == "GET" and etags.is_current(request, self.headers["ETag"])

    def to(self, request: Request) -> Response:
        """304 if the client has it."""
        if self.is_current(request):
            return Response(status_code=304, headers=self.headers)
        return Response(self.body, self.status, self.headers, "application/json")


class StreamedResponse(Response):
    """Sends the chunks as they come, so that memory does not grow with the body. Always calls `aclose` at the end.

    The caller may give `Content-Length`.
    """

    def __init__(
        self,
        chunks: AsyncIterator[bytes],
        aclose: Callable[[], Awaitable[None]],
        status: int,
        headers: Mapping[str, str],
    ) -> None:
        self.status_code = status
        self.background = None
        self.init_headers(headers)
        self._chunks = chunks
        self._aclose = aclose

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._send_chunks(scope, send)
        finally:
            await self._aclose()

    async def _send_chunks(self, scope: Scope, send: Send) -> None:
        """While too many bytes wait for clients, read only small bodies. `Head` makes the method HEAD once the answer's
        head is out, which compression delays until the first chunk.

        A send returns once the previous chunk is taken, so two chunks may wait for a client.
        """
        exchange: Exchange | None = scope.get(EXCHANGE)
        left = int(self.headers.get("content-length", sys.maxsize))
        memory = exchange.memory if exchange is not None and left > SMALL_BYTES else None
        held = before = 0
        try:
            while scope["method"] != "HEAD":
                if memory is not None and left:
                    await memory.room(count := min(left, CHUNK_BYTES))
                    held += count
                if (chunk := await anext(self._chunks, None)) is None:
                    break
                left -= len(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                if memory is not None:
                    memory.give_back(before)
                    held -= before
                    before = held
            await send(END)
        finally:
            if memory is not None:
                memory.give_back(held)


def accepted_in(header: str) -> set[str]:
    """What an `Accept` or `Accept-Encoding` names and does not refuse (`q=0`), in lower case, without parameters."""
    named = (each.partition(";") for each in header.lower().split(","))
    return {name.strip() for name, _, parameters in named if not _REFUSED.search(parameters)}
