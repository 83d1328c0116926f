"""OpenAPI descriptions of Tiendanube's routes: responses, errors, and the document's own examples.

Each value is the keyword arguments of one route's decorator.
"""

from typing import Any

from starlette.responses import Response

from image_service.dialects.tiendanube import examples
from image_service.dialects.tiendanube.schemas import PickedProduct, ProductBody, ProductNameInput, ProductSummary
from image_service.pixels.picture import Format
from image_service.web.bodies.multipart import MAX_PARTS
from image_service.web.images.answers import LOCATION, NOT_MODIFIED, PAGE_NOT_MODIFIED, PAGED
from image_service.web.images.bodies import EmptyObject, ImageBody, PickedImage
from image_service.web.images.input import ImageInput
from image_service.web.jobs.asynchronous import ACCEPTED, PREFER
from image_service.web.openapi.components import CONTENT_RANGE, ETAG, shared
from image_service.web.problem_bodies import BAD_QUERY, errors


def _one(example: Any) -> dict[str, Any]:
    """The `content` of a response."""
    return {"application/json": {"example": example}}


def _form() -> dict[str, Any]:
    """A form's fields: those of JSON, but all text, without null, and with the file itself."""
    fields = ImageInput.model_json_schema()["properties"]
    sent = {
        name: {"description": field["description"], **next(kind for kind in field["anyOf"] if kind["type"] != "null")}
        for name, field in fields.items()
    }
    return {
        "type": "object",
        "description": "The fields of `ImageInput` as a form, and the picture as a file.",
        "maxProperties": MAX_PARTS,
        "properties": {"file": {"description": "The picture.", "type": "string", "format": "binary"}, **sent},
    }


def _request_body(shown: dict[str, Any], *, required: bool) -> dict[str, Any]:
    """JSON or a form."""
    return {
        "requestBody": {
            "required": required,
            "content": {
                "application/json": {
                    "schema": shared("ImageInput", ImageInput.model_json_schema()),
                    "examples": shown,
                },
                "multipart/form-data": {"schema": shared("ImageForm", _form())},
            },
        }
    }


# The other responses of every list.
_OF_A_LIST: dict[int | str, dict[str, Any]] = {**PAGE_NOT_MODIFIED, **errors(), **BAD_QUERY}
_IMAGES = [examples.SERVINE, examples.ONYX, examples.STOUTLAND]
_ORIGINAL = {each.media_type: {"schema": {"type": "string", "format": "binary"}} for each in Format}

LIST_IMAGES: dict[str, Any] = dict(
    summary="List a product's images",
    responses={
        200: {
            "model": list[ImageBody | PickedImage],
            "description": "The images by position, or by id if `since_id` is given.",
            "headers": {**ETAG, **PAGED},
            "content": _one(_IMAGES),
        },
        **_OF_A_LIST,
    },
)

CREATE_IMAGE: dict[str, Any] = dict(
    summary="Add an image to a product",
    status_code=201,
    responses={
        200: {
            "model": ImageBody | PickedImage,
            "description": "With `on_duplicate=reuse`: the existing image of the product with the same picture.",
            "headers": {**ETAG, **LOCATION},
            "content": _one(examples.CHARMANDER),
        },
        201: {
            "model": ImageBody | PickedImage,
            "description": "The image, stored durably.",
            "headers": {**ETAG, **LOCATION},
            "content": _one(examples.CHARMANDER),
        },
        **ACCEPTED,
        **errors(400, 403, 408, 409, 412, 413, 415, 422, 507),
    },
    openapi_extra=_request_body(examples.CREATE, required=True) | {"parameters": [PREFER]},
)

GET_IMAGE: dict[str, Any] = dict(
    summary="Get an image of a product",
    responses={
        200: {
            "model": ImageBody | PickedImage,
            "description": "The image.",
            "headers": ETAG,
            "content": _one(examples.ONYX),
        },
        **NOT_MODIFIED,
        **errors(),
    },
)

UPDATE_IMAGE: dict[str, Any] = dict(
    summary="Move, describe or replace an image",
    responses={
        200: {
            "model": ImageBody | PickedImage,
            "description": "The changed image.",
            "headers": ETAG,
            "content": _one(examples.MOVED),
        },
        **errors(400, 403, 408, 412, 413, 415, 422, 507),
    },
    openapi_extra=_request_body(examples.UPDATE, required=False),
)

DELETE_IMAGE: dict[str, Any] = dict(
    summary="Remove an image from a product",
    responses={
        200: {"model": EmptyObject, "description": "The image was deleted.", "content": _one({})},
        **errors(403, 412),
    },
)

_NAMED = {"name": "A red shoe", "key": "SKU-12"}
_BY_LANGUAGE = {"id": 1234, "name": {"es": "Un zapato rojo", "en": "A red shoe"}, "key": "SKU-12", "images": _IMAGES}

LIST_PRODUCTS: dict[str, Any] = dict(
    summary="List or search products",
    responses={
        200: {
            "model": list[ProductSummary | PickedProduct],
            "description": "By product id, at most 200 a page, each with all its images.",
            "headers": {**ETAG, **PAGED},
            "content": _one([{"id": 1234, **_NAMED, "images_count": 3, "image": _IMAGES[0], "images": _IMAGES}]),
        },
        **_OF_A_LIST,
    },
)

GET_PRODUCT: dict[str, Any] = dict(
    summary="Get a product with its images",
    responses={
        200: {
            "model": ProductBody | PickedProduct,
            "description": "All images of the product, in order.",
            "headers": ETAG,
            "content": _one({"id": 1234, **_NAMED, "images": _IMAGES}),
        },
        **NOT_MODIFIED,
        **errors(),
    },
)

GET_PRODUCT_BY_SKU: dict[str, Any] = dict(
    summary="Get the product with a key",
    responses={
        200: {
            "model": ProductBody | PickedProduct,
            "description": "All images of the product, in order.",
            "headers": ETAG,
            "content": _one(_BY_LANGUAGE),
        },
        **NOT_MODIFIED,
        **errors(),
    },
)

NAME_PRODUCT: dict[str, Any] = dict(
    summary="Give a product a name or a key",
    responses={
        200: {
            "model": ProductBody | PickedProduct,
            "description": "The changed product.",
            "headers": ETAG,
            "content": _one(_BY_LANGUAGE),
        },
        **errors(400, 403, 408, 412, 413, 415, 422),
    },
    openapi_extra={
        "requestBody": {
            "required": False,
            "content": {
                "application/json": {
                    "schema": shared("ProductNameInput", ProductNameInput.model_json_schema()),
                    "example": {"name": {"es": "Un zapato rojo", "en": "A red shoe"}},
                }
            },
        }
    },
)

EMPTY_PRODUCT: dict[str, Any] = dict(
    summary="Remove all images of a product",
    responses={
        200: {"model": EmptyObject, "description": "The product has no images any more.", "content": _one({})},
        **errors(403, 412, 422),
    },
)

LIST_STORE_IMAGES: dict[str, Any] = dict(
    summary="List a store's images",
    responses={
        200: {
            "model": list[ImageBody | PickedImage],
            "description": "By id.",
            "headers": {**ETAG, **PAGED},
            "content": _one([examples.ORPHAN]),
        },
        **_OF_A_LIST,
    },
)

GET_STORE_IMAGE: dict[str, Any] = dict(
    summary="Get any image of the store",
    responses={
        200: {
            "model": ImageBody | PickedImage,
            "description": "The image, assigned to a product or unassigned.",
            "headers": ETAG,
            "content": _one(examples.ORPHAN),
        },
        **NOT_MODIFIED,
        **errors(),
    },
)

DELETE_STORE_IMAGE: dict[str, Any] = dict(
    summary="Delete any image of the store",
    responses={
        200: {"model": EmptyObject, "description": "The image was deleted.", "content": _one({})},
        **errors(403, 412, 422),
    },
)

GET_ORIGINAL: dict[str, Any] = dict(
    summary="Download an image's original",
    response_class=Response,
    responses={
        200: {"description": "The stored bytes.", "content": _ORIGINAL, "headers": ETAG},
        206: {
            "description": "The requested range of the bytes.",
            "content": _ORIGINAL,
            "headers": {**ETAG, **CONTENT_RANGE},
        },
        **NOT_MODIFIED,
        **errors(416),
    },
)
