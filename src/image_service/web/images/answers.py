"""Answers that show images: their properties and entity tag, and OpenAPI's description of their headers."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

import msgspec
from fastapi import Query, Request
from starlette.responses import Response

from image_service.pixels.sizes import Offer
from image_service.web import etags
from image_service.web.answers import Answer
from image_service.web.images.view import View, fields_wanted
from image_service.web.openapi.components import ETAG, shared
from image_service.web.parts import Parts

Fields = Annotated[
    str | None,
    Query(description="Comma-separated list of fields to include in the response; `all` for every one."),
]
_LINK = '<https://images.example.com/products/1234/images?page=2>; rel="next"'

# Descriptions for OpenAPI.
PAGED = {
    "X-Total-Count": shared(
        "XTotalCount", {"description": "Results on all pages.", "schema": {"type": "integer", "minimum": 0}}
    ),
    "Link": shared(
        "Link",
        {
            "description": "The pages `first`, `prev`, `next` and `last`, as they apply (RFC 8288).",
            "schema": {"type": "string", "examples": [_LINK]},
        },
    ),
}
LOCATION = {
    "Location": shared(
        "Location", {"description": "The new image's own URL.", "schema": {"type": "string", "format": "uri"}}
    )
}
_UNCHANGED = "Nothing has changed since `If-None-Match`."
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: shared("NotModified", {"description": _UNCHANGED, "headers": ETAG})
}
PAGE_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: shared("PageNotModified", {"description": _UNCHANGED, "headers": {**ETAG, **PAGED}})
}


def view_of(parts: Parts, fields: str | None, default: tuple[str, ...], language: str | None = None) -> View:
    """Shows the properties named in `fields`, or `default` if it names none. `language`: see `View`."""
    return _view(parts.delivery_base, parts.offer, fields, default, language)


@lru_cache(maxsize=256)
def _view(delivery_base: str, offer: Offer, fields: str | None, default: tuple[str, ...], language: str | None) -> View:
    return View(delivery_base, offer, fields_wanted(fields, default), language)


def finished(
    request: Request,
    view: View,
    version: int,
    body: Any,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """An answer whose `ETag` is made from `version`."""
    tag = etags.etag(request, version, view.shape)
    return Answer(status, {**(headers or {}), "ETag": tag}, msgspec.json.encode(body))


def answer(
    request: Request, view: View, version: int, body: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """As `finished`; 304 if the client has it."""
    return finished(request, view, version, body, status, headers).to(request)
