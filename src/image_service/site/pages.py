"""Pages out of the package: the files that they need, and what they are sent with.

A page names nothing but files of this service, by relative URLs: it may stand behind any prefix. Pages and files are
asked for again each time, and answered 304: what an upgrade brought shows at once.
"""

import hashlib
from os import PathLike, stat_result
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from image_service.web import etags

STATIC = Path(__file__).parent / "static"  # whose it all is: its README.md

_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}


class Files(StaticFiles):
    """A folder of `STATIC`."""

    def __init__(self, folder: str = "") -> None:
        super().__init__(directory=STATIC / folder)

    def file_response(
        self, full_path: PathLike[str] | str, stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(_HEADERS)
        return response


def policy(*, images: str = "'self'", scripts: bool = True) -> str:
    """A `Content-Security-Policy` for a page that shows `images` (sources as CSP writes them), without anything inline,
    and by default with scripts that call the API.
    """
    own = "script-src 'self'; connect-src 'self'; " if scripts else ""
    return (
        f"default-src 'none'; {own}style-src 'self'; img-src {images}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def add_page(app: Starlette, path: str, html: str, content_security_policy: str) -> None:
    """GET `path`, which is no part of the API's description."""
    headers = {
        **_HEADERS,
        "Content-Security-Policy": content_security_policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "ETag": f'"{hashlib.sha256(html.encode()).hexdigest()[:16]}"',
    }

    async def page(request: Request) -> Response:
        if etags.is_current(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return HTMLResponse(html, headers=headers)

    app.add_route(path, page, methods=["GET"], include_in_schema=False)
