"""GET /client.js: what a shop's own pages need of the service, as a module, with its types beside it."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from image_service.site.files import STATIC
from image_service.site.prepared import Prepared

PATHS = frozenset({"/client.js", "/client.d.ts"})
# A page of another origin may import it. Its URL has no version: what an upgrade brings is there within the hour.
HEADERS = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600"}


def add_client(app: Starlette) -> None:
    for path in PATHS:
        media_type = "text/javascript" if path.endswith(".js") else "text/plain"
        prepared = Prepared((STATIC / "docs" / path[1:]).read_bytes(), media_type, HEADERS)

        async def answer(request: Request, prepared: Prepared = prepared) -> Response:
            return await prepared.answer(request)

        app.add_route(path, answer, methods=["GET"], include_in_schema=False)
