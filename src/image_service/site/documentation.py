"""The API's description at /openapi.json, and the page at /docs that shows it."""

import asyncio
import json
from collections.abc import Callable, Mapping

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from image_service.site.files import AGAIN, Files, with_version
from image_service.site.pages import headers_of_page, policy
from image_service.site.prepared import Prepared
from image_service.site.reference.page import render
from image_service.telemetry.together import Together

OPENAPI = "/openapi.json"
DOCS = "/docs"


class Once:
    """A body that is made when it is first asked for, beside other requests: it takes some tenths of a second."""

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


def add_documentation(app: FastAPI, server: str, *, has_gallery: bool) -> None:
    """GET /docs shows GET /openapi.json, with samples that call `server`. The app is created with
    `openapi_url=None, docs_url=None, redoc_url=None`.
    """

    def document() -> bytes:
        return json.dumps(app.openapi(), separators=(",", ":")).encode()

    def page() -> bytes:
        return with_version(render(app.openapi(), server, has_gallery=has_gallery)).encode()

    # `blob:`: a picture that a trial was answered with is shown out of the browser's memory.
    page_headers = headers_of_page(policy(images="'self' blob:"))
    for path, once in (
        (OPENAPI, Once(document, "application/json", AGAIN)),
        (DOCS, Once(page, "text/html", page_headers)),
    ):
        app.add_route(path, once.answer, methods=["GET"], include_in_schema=False)
    app.mount(f"{DOCS}/static", Files("docs"))
