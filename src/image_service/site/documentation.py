"""The API's description at /openapi.json, and the page at /docs that shows it."""

import json

from fastapi import FastAPI

from image_service.site.files import AGAIN, Files, with_version
from image_service.site.once import Once
from image_service.site.pages import headers_of_page, policy
from image_service.site.reference.page import render

OPENAPI = "/openapi.json"
DOCS = "/docs"


def add_documentation(app: FastAPI, server: str, *, has_gallery: bool) -> None:
    """GET /docs shows GET /openapi.json, with samples that call `server`. The app is created with
    `openapi_url=None, docs_url=None, redoc_url=None`.
    """

    def document() -> bytes:
        return json.dumps(app.openapi(), separators=(",", ":")).encode()

    def page() -> bytes:
        return with_version(render(app.openapi(), server, has_gallery=has_gallery)).encode()

    # `blob:`: a picture in a trial's response is shown from the browser's memory.
    page_headers = headers_of_page(policy(images="'self' blob:"))
    for path, once in (
        (OPENAPI, Once(document, "application/json", AGAIN)),
        (DOCS, Once(page, "text/html", page_headers)),
    ):
        app.add_route(path, once.answer, methods=["GET"], include_in_schema=False)
    app.mount(f"{DOCS}/static", Files("docs"))
