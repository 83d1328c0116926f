"""OpenAPI's description of pictures. No FastAPI route serves them, so it is written out in full."""

from typing import Any

from image_service.delivery.names import TAG
from image_service.storage.names import CACHE_FOREVER
from image_service.web.openapi.components import CONTENT_RANGE, ETAG, shared
from image_service.web.problems import reason_of

TAGS = ({"name": TAG, "description": "Public bytes. No token."},)

_ERROR = shared(
    "DeliveryError",
    {
        "description": "The reason why there is no picture.",
        "type": "object",
        "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
        "required": ["code", "message"],
    },
)


def _problem(status: int, description: str, **more: Any) -> dict[str, Any]:
    example = {"code": status, "message": reason_of(status)}
    content = {"application/json": {"schema": _ERROR, "example": example}}
    return {"description": description, "content": content, **more}


_BYTES = {
    f"image/{kind}": {"schema": {"type": "string", "format": "binary"}}
    for kind in ("jpeg", "png", "gif", "webp", "avif")
}
_HEADERS = {
    **ETAG,
    "Last-Modified": {"schema": {"type": "string"}, "description": "When it was rendered."},
    "Cache-Control": {
        "schema": {"type": "string", "const": CACHE_FOREVER},
        "description": "What a URL names never changes.",
    },
    "Vary": {"schema": {"type": "string"}, "description": "`Accept`, where the format is negotiated."},
}


_NAMED = {
    "name": "path",
    "in": "path",
    "required": True,
    "description": "`{store id, in groups of three}/products/{slug}-{key}-{width}-{height}.{format}`, its slashes as "
    "they are: take it from an image's `src` or `variants`, which are whole URLs.",
    "schema": {
        "type": "string",
        "pattern": r"^([0-9]{3}/)+products/[a-z0-9-]+-[0-9a-f]{32}-[0-9]+-[0-9]+\.(jpg|png|gif|webp|avif)$",
    },
    "example": "001/234/products/sample-83d9d29ee6d99315c7fdf4b0b6c6dbeb-640-0.jpg",
}


PATHS: dict[str, Any] = {
    "/stores/{path}": {
        "get": {
            "tags": [TAG],
            "summary": "Get a picture",
            "description": "`stores/{store id, in groups of three}/products/{slug}-{key}-{width}-{height}.{format}`, "
            "as an image's `src` and `variants` give it. Rendered when first asked for; no token is needed.\n\n"
            "Width and height name one of the offered sizes (0: as the other side needs; `0-0`: full size). A `jpg` or "
            "`png` is sent as AVIF or WebP to clients that accept it, unless the setting `NEGOTIATE_FORMATS` is off. "
            "`HEAD` works too. With the setting `DELIVERY_REDIRECT_URL` the answer is a redirect, to the format that "
            "was chosen. A URL of another size that a client derives from a `src` by the rules of its platform "
            "(`…-640-0_small.jpg`) redirects to the offered size that covers it.",
            "operationId": "get_picture",
            "parameters": [_NAMED],
            "responses": {
                "200": {"description": "The picture.", "content": _BYTES, "headers": _HEADERS},
                "206": {
                    "description": "The requested range.",
                    "content": _BYTES,
                    "headers": {**_HEADERS, **CONTENT_RANGE},
                },
                "302": {
                    "description": "A redirect to `Location`, which may be cached for an hour.",
                    "headers": {"Location": {"schema": {"type": "string", "format": "uri"}}, "Vary": _HEADERS["Vary"]},
                },
                "304": {"description": "The client has it already.", "headers": _HEADERS},
                "404": _problem(404, "Not a URL of an offered size of a live image."),
                "416": _problem(416, "The range begins beyond its end.", headers=CONTENT_RANGE),
                "500": _problem(500, "An error of ours; it has been logged under this answer's `X-Request-Id`."),
                "503": _problem(
                    503, "Too many pictures wait to be rendered, or the database or blob store cannot be reached."
                ),
                "507": _problem(507, "No space is left to store it."),
            },
        }
    }
}
