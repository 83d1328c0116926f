"""Pages from the package, and their headers.

A page refers only to files of this service, by relative URLs: it works behind any prefix. Browsers revalidate pages
each time and get a 304, so an upgrade shows at once.
"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from image_service.site.files import AGAIN, with_version
from image_service.site.prepared import Prepared


def policy(*, images: str = "'self'") -> str:
    """A `Content-Security-Policy` for a page that shows `images` (CSP sources) and calls the API. Nothing inline."""
    return (
        f"default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src {images}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def headers_of_page(content_security_policy: str) -> dict[str, str]:
    return {
        **AGAIN,
        "Content-Security-Policy": content_security_policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
    }


def add_redirect(app: Starlette, path: str, to: str) -> None:
    """Redirects `path` to `to`, a URL relative to it: 308."""

    async def redirect(request: Request) -> Response:
        return Response(status_code=308, headers={**AGAIN, "Location": to})

    app.add_route(path, redirect, methods=["GET"], include_in_schema=False)


def add_page(app: Starlette, path: str, html: str, content_security_policy: str) -> None:
    """Serves `html` at `path`, outside of the API's description."""
    prepared = Prepared(with_version(html).encode(), "text/html", headers_of_page(content_security_policy))

    async def page(request: Request) -> Response:
        return await prepared.answer(request)

    app.add_route(path, page, methods=["GET"], include_in_schema=False)
