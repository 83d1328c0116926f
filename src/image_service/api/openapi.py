"""The OpenAPI document: FastAPI's, with what it cannot know of our routes."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

DESCRIPTION = """\
Photos of products: taken in by upload, base64 or URL, checked, kept in the order asked for, and served in all sizes.

* **Bukalapak** and **Tiendanube** are the wire dialects of those platforms: their clients work here with nothing but a
  new host. Both share one set of stores, tokens and images.
* **Delivery** is public and cacheable for ever: every picture's URL names its bytes.

Every call but those of *Delivery* and *Operations* needs a store's token, in any of three ways. A read token may only
read. Every answer carries `X-Request-Id`: quote it when you report a problem.
"""

TAGS = [
    {
        "name": "Tiendanube",
        "description": "Product images as a gallery: ordered, described, replaced, removed.",
    },
    {
        "name": "Tiendanube v1",
        "description": "The same routes under the prefix that real clients call; `alt` is shown.",
    },
    {"name": "Tiendanube 2025-03", "description": "The same routes under the newer prefix; `alt` is shown."},
    {"name": "Bukalapak", "description": "Upload first, assign to a product later."},
    {"name": "Delivery", "description": "Public bytes. No token."},
    {"name": "Operations", "description": "Health. No token."},
]

SECURITY_SCHEMES = {
    "basic": {"type": "http", "scheme": "basic", "description": "User: the store id. Password: its token."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer TOKEN`"},
    "authentication": {
        "type": "apiKey",
        "in": "header",
        "name": "Authentication",
        "description": "Tiendanube's own header: `Authentication: bearer TOKEN`",
    },
}
OPEN_TAGS = {"Delivery", "Operations"}
REQUEST_ID = {"schema": {"type": "string"}, "description": "Names this request in our logs."}

RATE_HEADERS = {
    "X-Rate-Limit-Limit": "Calls that the store's bucket holds. Like the next two only where rate limits are on.",
    "X-Rate-Limit-Remaining": "Calls that would fit into it now.",
    "X-Rate-Limit-Reset": "Milliseconds until it is empty.",
}
RETRY_AFTER = {"schema": {"type": "integer"}, "description": "Seconds to wait before the next try."}
RETRIED = {"409", "429", "503"}


def document(app: FastAPI) -> dict[str, Any]:
    """Made once; the same for every caller."""
    if app.openapi_schema is None:
        app.openapi_schema = _document(app)
    return app.openapi_schema


def _document(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes, tags=TAGS)
    components = found.setdefault("components", {})
    components["securitySchemes"] = SECURITY_SCHEMES
    for unused in ("HTTPValidationError", "ValidationError"):
        components.get("schemas", {}).pop(unused, None)
    found["security"] = [{name: []} for name in SECURITY_SCHEMES]
    for operations in found["paths"].values():
        for operation in operations.values():
            _complete(operation)
    return found


def _complete(operation: dict[str, Any]) -> None:
    if OPEN_TAGS.intersection(operation["tags"]):
        operation["security"] = []
    responses = operation["responses"]
    # FastAPI's own 422 is never sent: what it finds wrong in a path is a 404, and the rest has our shape.
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    for status, response in responses.items():
        response.setdefault("headers", {}).setdefault("X-Request-Id", REQUEST_ID)
        if status in RETRIED and "Operations" not in operation["tags"]:
            response["headers"].setdefault("Retry-After", RETRY_AFTER)
        if not OPEN_TAGS.intersection(operation["tags"]) and status != "401":
            for name, meaning in RATE_HEADERS.items():
                response["headers"][name] = {"schema": {"type": "integer"}, "description": meaning}
