"""OpenAPI descriptions of upload tickets. Each value in capitals is the keyword arguments of one route's decorator."""

from typing import Any

from image_service.own.tickets.problems import NOT_FOUND, REFUSED, TOO_LONG_BODY, UNSUPPORTED_BODY
from image_service.own.tickets.schemas import TicketBody, TicketInput, TicketWithUrl
from image_service.web.bodies.multipart import MAX_PARTS
from image_service.web.images.answers import LOCATION
from image_service.web.images.bodies import EmptyObject, ImageBody, PickedImage
from image_service.web.images.input import ImageInput
from image_service.web.images.texts import MAX_ALT
from image_service.web.openapi.components import ETAG, shared
from image_service.web.problem_bodies import ERRORS, errors

_TICKET = {
    "id": "8f2b6c0e4d1a4f6f9d3c5b7a9e1f2d3c",
    "status": "open",
    "product_id": 1234,
    "position": None,
    "files": 5,
    "files_left": 5,
    "bytes": 52428795,
    "bytes_left": 52428795,
    "bytes_per_file": 10485759,
    "origins": ["https://shop.example.com"],
    "created_at": "2026-01-01T00:00:00+00:00",
    "expires_at": "2026-01-01T00:15:00+00:00",
}
_URL = (
    "https://images.example.com/uploads/8f2b6c0e4d1a4f6f9d3c5b7a9e1f2d3c"
    "?expires=1767226500&signature=Jk0p3sW6mQz1nB8vX4cT7yH2gF5dR9aLoU_iEeKwZ-M"
)
_OWN_LOCATION = {
    "Location": shared(
        "UploadTicketLocation",
        {"description": "The ticket's URL for its store.", "schema": {"type": "string", "format": "uri"}},
    )
}
_ASK: dict[str, Any] = {
    "requestBody": {
        "required": False,  # every field has a default
        "content": {
            "application/json": {
                "schema": shared("TicketInput", TicketInput.model_json_schema()),
                "examples": {
                    "product": {
                        "summary": "Five photos of a product",
                        "value": {"product_id": 1234, "files": 5, "origins": ["https://shop.example.com"]},
                    },
                    "orphan": {"summary": "One picture on no product, soon", "value": {"expires_in": 120}},
                },
            }
        },
    }
}


def _form() -> dict[str, Any]:
    alt = ImageInput.model_json_schema()["properties"]["alt"]
    filename = ImageInput.model_json_schema()["properties"]["filename"]
    return {
        "type": "object",
        "description": "One picture and its texts.",
        "maxProperties": MAX_PARTS,
        "required": ["file"],
        "properties": {
            "file": {"description": "The picture.", "type": "string", "format": "binary"},
            "alt": {"description": alt["description"], "type": "string", "maxLength": MAX_ALT},
            "filename": {"description": filename["description"], "type": "string", "maxLength": 1024},
        },
    }


_SEND: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": {"schema": shared("TicketForm", _form())}},
    },
    "security": [{}],  # the signature suffices
    "parameters": [
        {
            "name": "expires",
            "in": "query",
            "required": True,
            "description": "As it is in the ticket's URL: Unix time, in seconds.",
            "schema": {"type": "string", "pattern": "^[0-9]{1,20}$", "examples": ["1767226500"]},
        },
        {
            "name": "signature",
            "in": "query",
            "required": True,
            "description": "As it is in the ticket's URL.",
            "schema": {"type": "string", "examples": ["Jk0p3sW6mQz1nB8vX4cT7yH2gF5dR9aLoU_iEeKwZ-M"]},
        },
    ],
}

_MADE = {
    "id": 134,
    "src": "https://images.example.com/stores/001/234/products/red-shoe-83d9d29ee6d99315c7fdf4b0b6c6dbeb-640-0.jpg",
    "position": 4,
    "product_id": 1234,
    "created_at": "2026-01-01T00:01:00+00:00",
    "updated_at": "2026-01-01T00:01:00+00:00",
}


def _one(example: Any) -> dict[str, Any]:
    """The `content` of a response."""
    return {"application/json": {"example": example}}


CREATE_UPLOAD_TICKET: dict[str, Any] = dict(
    summary="Make an upload ticket",
    status_code=201,
    responses={
        201: {
            "model": TicketWithUrl,
            "description": "The ticket, and the URL to post files to.",
            "headers": _OWN_LOCATION,
            "content": _one({**_TICKET, "url": _URL}),
        },
        **errors(400, 403, 408, 409, 422),
        **TOO_LONG_BODY,
        **UNSUPPORTED_BODY,
    },
    openapi_extra=_ASK,
)

GET_UPLOAD_TICKET: dict[str, Any] = dict(
    summary="Look at an upload ticket",
    responses={
        200: {
            "model": TicketBody,
            "description": "The ticket, with what is left of it.",
            "content": _one({**_TICKET, "files_left": 3, "bytes_left": 48120334}),
        },
        **errors(),
        **NOT_FOUND,
    },
)

WITHDRAW_UPLOAD_TICKET: dict[str, Any] = dict(
    summary="Withdraw an upload ticket",
    responses={
        200: {"model": EmptyObject, "description": "The ticket is withdrawn.", "content": _one({})},
        **errors(403),
        **NOT_FOUND,
    },
)

UPLOAD_BY_TICKET: dict[str, Any] = dict(
    summary="Upload a file by a ticket",
    status_code=201,
    responses={
        200: {
            "model": ImageBody | PickedImage,
            "description": "With `on_duplicate=reuse`: the existing image of the product with the same picture.",
            "headers": {**ETAG, **LOCATION},
            "content": _one(_MADE),
        },
        201: {
            "model": ImageBody | PickedImage,
            "description": "The image, stored durably.",
            "headers": {**ETAG, **LOCATION},
            "content": _one(_MADE),
        },
        **{status: ERRORS[status] for status in (400, 408, 409, 413, 422, 429, 500, 503, 507)},
        **NOT_FOUND,
        **REFUSED,
        **UNSUPPORTED_BODY,
    },
    openapi_extra=_SEND,
)
