"""The page at /docs: Swagger UI out of the package, so that it works in a closed network too."""

import asyncio
import json
from html import escape

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from image_service.site.files import AGAIN, Files
from image_service.site.pages import add_page, policy
from image_service.site.prepared import Prepared
from image_service.telemetry.together import Together

OPENAPI = "/openapi.json"

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" type="image/png" href="docs/static/swagger-ui/favicon-32x32.png">
<link rel="stylesheet" href="docs/static/swagger-ui/swagger-ui.css">
<script src="docs/static/swagger-ui/swagger-ui-bundle.js" defer></script>
<script src="docs/static/docs.js" defer></script>
</head>
<body>
<div id="swagger-ui" data-openapi="{openapi}"></div>
</body>
</html>
"""


class Document:
    """The API's description, as bytes that are made once: some tenths of a second."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._made: Prepared | None = None
        self._make_together = Together(self._make)

    async def answer(self, request: Request) -> Response:
        made = self._made or await self._make_together()
        return await made.answer(request)

    async def _make(self) -> Prepared:
        body = await asyncio.to_thread(lambda: json.dumps(self._app.openapi(), separators=(",", ":")).encode())
        self._made = Prepared(body, "application/json", AGAIN)
        return self._made


def add_documentation(app: FastAPI) -> None:
    """GET /docs shows GET /openapi.json. The app is created with `openapi_url=None, docs_url=None, redoc_url=None`."""
    page = PAGE.format(title=escape(app.title), openapi=escape(OPENAPI.removeprefix("/")))
    document = Document(app)
    app.add_route(OPENAPI, document.answer, methods=["GET"], include_in_schema=False)
    add_page(app, "/docs", page, policy(images="'self' data:"))
    app.mount("/docs/static", Files())
