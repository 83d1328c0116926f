"""A body that is built at the first request, and kept."""

import asyncio
from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response

from image_service.site.prepared import Prepared
from image_service.telemetry.together import Together


class Once:
    """Builds the body in a thread: it takes some tenths of a second."""

    def __init__(self, make: Callable[[], bytes], media_type: str, headers: Mapping[str, str]) -> None:
        self._body = make
        self._media_type, self._headers = media_type, headers
        self._made: Prepared | None = None
        self._make_together = Together(self._make)

    async def answer(self, request: Request) -> Response:
        made = self._made or await self._make_together()
        return await made.answer(request)

    async def _make(self) -> Prepared:
        self._made = Prepared(await asyncio.to_thread(self._body), self._media_type, self._headers)
        return self._made
