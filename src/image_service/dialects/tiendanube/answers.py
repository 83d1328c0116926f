"""Images in Tiendanube's responses, and the API's URL with the request's prefix."""

from typing import Any

from starlette.requests import Request

from image_service.images.library import UNCHANGED, Unchanged
from image_service.stores.tokens import Caller
from image_service.web.images.answers import view_of as _view_of
from image_service.web.images.view import BASIC_FIELDS, View
from image_service.web.parts import Parts

AnyText = str | dict[str, str] | None  # of an image or a product
VERSIONED = (*BASIC_FIELDS, "alt")  # the platform's versioned API shows `alt` too


def view_of(request: Request, parts: Parts, caller: Caller, fields: str | None = None) -> View:
    """`fields` selects properties; default: the document's. Versioned prefixes show texts by language."""
    if "store_id" in request.path_params:
        return _view_of(parts, fields, VERSIONED, caller.language)
    return _view_of(parts, fields, BASIC_FIELDS)


def told(text: AnyText, shown: AnyText | list[Any]) -> AnyText | Unchanged:
    """The text to store for one that a client sends; unchanged if it is what the client was shown. A text without a
    language is shown under the store's, and none as the empty list, which is parsed as None.
    """
    return UNCHANGED if text == (None if shown == [] else shown) else text


def base_of(request: Request, parts: Parts) -> str:
    """The API's URL with this request's prefix."""
    store_id = request.path_params.get("store_id")
    if store_id is None:
        return parts.api_base
    version = request.url.path.split("/")[1]
    return f"{parts.api_base}/{version}/{store_id}"
