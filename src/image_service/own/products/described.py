"""OpenAPI descriptions of products. Each value in capitals is the keyword arguments of one route's decorator."""

from typing import Any

from image_service.own.problems import problems
from image_service.own.products.schemas import NamedProduct, ProductByKeyInput, ProductInput
from image_service.web.openapi.components import ETAG, shared

_PRODUCT = {"id": 1234, "key": "SKU-12/red", "name": "A red shoe"}
_MADE = {**_PRODUCT, "id": 2**52}
_LOCATION = {
    "Location": shared(
        "ProductLocation", {"description": "The product's own URL.", "schema": {"type": "string", "format": "uri"}}
    )
}


def _asked(name: str, schema: dict[str, Any], *, required: bool, **examples: tuple[str, Any]) -> dict[str, Any]:
    shown = {title: {"summary": summary, "value": value} for title, (summary, value) in examples.items()}
    content = {"application/json": {"schema": shared(name, schema), "examples": shown}}
    return {"requestBody": {"required": required, "content": content}}


def _answer(description: str, example: Any, headers: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"example": example}}
    return {"model": NamedProduct, "description": description, "content": content, "headers": headers}


PUT_PRODUCT: dict[str, Any] = dict(
    summary="Give a product a name or a key",
    responses={
        200: _answer("The product as it is described now.", _PRODUCT, ETAG),
        **problems(
            400,
            403,
            408,
            412,
            413,
            415,
            ProductRefused={"key": "is another product's", "name": "is too long (maximum is 500 characters)"},
        ),
    },
    openapi_extra=_asked(
        "ProductInput",
        ProductInput.model_json_schema(),
        required=False,  # no body: no change
        both=("Both", {"key": "SKU-12/red", "name": "A red shoe"}),
        no_key=("Take the key away", {"key": None}),
    ),
)

FIND_OR_MAKE_PRODUCT: dict[str, Any] = dict(
    summary="Find or make the product with a key",
    status_code=201,
    responses={
        200: _answer("It was there. Its name has not been changed.", _PRODUCT, {**ETAG, **_LOCATION}),
        201: _answer("It was made now.", _MADE, {**ETAG, **_LOCATION}),
        **problems(
            400,
            403,
            408,
            409,
            413,
            415,
            ProductKeyRefused={
                "key": "can't be blank",
                "name": "is too long (maximum is 500 characters)",
                "Idempotency-Key": "was used for another request",
            },
        ),
    },
    openapi_extra=_asked(
        "ProductByKeyInput",
        ProductByKeyInput.model_json_schema(),
        required=True,
        key=("By a SKU", {"key": "SKU-12/red", "name": "A red shoe"}),
    ),
)
