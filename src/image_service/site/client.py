"""GET /client.js: a JavaScript module for a shop's own pages, with its types."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from image_service.site.files import STATIC
from image_service.site.prepared import Prepared

PATHS = frozenset({"/client.js", "/client.d.ts"})
# Pages of other origins may import it. Its URL has no version, so an upgrade takes up to an hour to arrive.
HEADERS = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600"}


def add_client(app: Starlette) -> None:
    for path in PATHS:
        media_type = "text/javascript" if path.endswith(".js") else "text/plain"
        prepared = Prepared((STATIC / "docs" / path[1:]).read_bytes(), media_type, HEADERS)

        async def answer(request: Request, prepared: Prepared = prepared) -> Response:
            return await prepared.answer(request)

        app.add_route(path, answer, methods=["GET"], include_in_schema=False)
