"""The page at /docs: Swagger UI out of the package, so that it works in a closed network too.

The page names nothing but files of this service, by relative URLs: it may stand behind any prefix.
"""

from html import escape
from os import PathLike, stat_result
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parents[1] / "static"  # whose it all is: its README.md

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

PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}

# Asked for again each time, and answered 304: what an upgrade brought shows at once.
FILE_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}


class _Files(StaticFiles):
    def file_response(
        self, full_path: PathLike[str] | str, stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(FILE_HEADERS)
        return response


def add_documentation(app: FastAPI) -> None:
    """GET /docs shows `app.openapi_url`. The app is created with `docs_url=None, redoc_url=None`."""
    page = PAGE.format(title=escape(app.title), openapi=escape((app.openapi_url or "").removeprefix("/")))

    async def docs(_request: Request) -> HTMLResponse:
        return HTMLResponse(page, headers=PAGE_HEADERS)

    app.add_route("/docs", docs, methods=["GET"], include_in_schema=False)
    app.mount("/docs/static", _Files(directory=STATIC))
