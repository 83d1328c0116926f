"""OpenAPI descriptions of Shopify's routes. Each value is the keyword arguments of one route's decorator."""

from typing import Any

from image_service.dialects.shopify import examples
from image_service.dialects.shopify.errors_described import errors
from image_service.dialects.shopify.schemas import ImageCount, ImageFields, ImageList, OneImage, OneProduct, ProductList
from image_service.web.bodies.multipart import MAX_PARTS
from image_service.web.images.bodies import EmptyObject
from image_service.web.openapi.components import ETAG, shared

_LINK = '<https://images.example.com/admin/api/2026-01/products.json?limit=50&page_info=aWQgYWZ0ZXIgMTI>; rel="next"'
LINK = {
    "Link": shared(
        "ShopifyLink",
        {
            "description": "The `previous` and the `next` page, if any.",
            "schema": {"type": "string", "examples": [_LINK]},
        },
    )
}
_UNCHANGED = "Nothing has changed since `If-None-Match`."
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: shared("ShopifyNotModified", {"description": _UNCHANGED, "headers": ETAG})
}
PAGE_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: shared("ShopifyPageNotModified", {"description": _UNCHANGED, "headers": {**ETAG, **LINK}})
}


def _answer(model: Any, description: str, example: Any, **headers: Any) -> dict[int | str, dict[str, Any]]:
    content = {"application/json": {"example": example}}
    return {200: {"model": model, "description": description, "headers": headers, "content": content}}


def _form() -> dict[str, Any]:
    """A form's fields, all text, and the file itself."""
    fields = ImageFields.model_json_schema()["properties"]
    sent = {
        name: {"description": field["description"], **next(kind for kind in field["anyOf"] if kind["type"] != "null")}
        for name, field in fields.items()
        if name != "variant_ids"
    }
    return {
        "type": "object",
        "description": "The fields of `image` as a form, and the picture as a file; a field's name may also be "
        "written as `image[alt]`, and each of the `variant_ids` as `variant_ids[]`. The platform accepts no forms.",
        "maxProperties": MAX_PARTS,
        "properties": {"file": {"description": "The picture.", "type": "string", "format": "binary"}, **sent},
    }


def _request_body(shown: dict[str, Any]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "description": "An object `image` that holds the fields.",
        "properties": {"image": ImageFields.model_json_schema()},
        "required": ["image"],
    }
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": shared("ShopifyImageInput", schema), "examples": shown},
                "multipart/form-data": {"schema": shared("ShopifyImageForm", _form())},
            },
        }
    }


CREATE_IMAGE: dict[str, Any] = dict(
    summary="Create a product image",
    responses={
        **_answer(OneImage, "The image, stored so that no fault loses it.", {"image": examples.FRONT}, **ETAG),
        **errors(400, 403, 408, 409, 412, 413, 415, 422, 507),
    },
    openapi_extra=_request_body(examples.CREATE),
)

LIST_IMAGES: dict[str, Any] = dict(
    summary="List a product's images",
    responses={
        **_answer(ImageList, "By position, or by id.", {"images": [examples.FRONT, examples.SIDE]}, **ETAG, **LINK),
        **PAGE_NOT_MODIFIED,
        **errors(paged=True),
    },
)

COUNT_IMAGES: dict[str, Any] = dict(
    summary="Count a product's images",
    responses={**_answer(ImageCount, "The number.", {"count": 2}, **ETAG), **NOT_MODIFIED, **errors(bad_query=True)},
)

GET_IMAGE: dict[str, Any] = dict(
    summary="Get a product image",
    responses={**_answer(OneImage, "The image.", {"image": examples.SIDE}, **ETAG), **NOT_MODIFIED, **errors()},
)

UPDATE_IMAGE: dict[str, Any] = dict(
    summary="Move, describe or replace a product image",
    responses={
        **_answer(OneImage, "The image as it is now.", {"image": examples.MOVED}, **ETAG),
        **errors(400, 403, 408, 412, 413, 415, 422, 507),
    },
    openapi_extra=_request_body(examples.UPDATE),
)

DELETE_IMAGE: dict[str, Any] = dict(
    summary="Delete a product image",
    responses={**_answer(EmptyObject, "It is gone.", {}), **errors(403, 412)},
)

_PRODUCT = {
    "id": 1234,
    "title": "Red shoe",
    "images": [examples.FRONT, examples.SIDE],
    "image": examples.FRONT,
    "variants": [],
}

LIST_PRODUCTS: dict[str, Any] = dict(
    summary="List products that have images",
    responses={
        **_answer(ProductList, "By id.", {"products": [_PRODUCT]}, **ETAG, **LINK),
        **PAGE_NOT_MODIFIED,
        **errors(paged=True),
    },
)

GET_PRODUCT: dict[str, Any] = dict(
    summary="Get a product's images as a product",
    responses={**_answer(OneProduct, "The product.", {"product": _PRODUCT}, **ETAG), **NOT_MODIFIED, **errors()},
)
