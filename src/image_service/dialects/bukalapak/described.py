"""OpenAPI descriptions of Bukalapak's routes. Each value is the keyword arguments of one route's decorator."""

from typing import Any

from image_service.dialects.bukalapak.problems import NOT_A_PICTURE, TOO_MANY_PIXELS
from image_service.dialects.bukalapak.schemas import (
    ASSIGNED,
    CREATED,
    DELETED,
    NO_IMAGE,
    ORPHANED,
    Created,
    Done,
    Failed,
    examples,
    failure,
)
from image_service.web.bodies.multipart import MAX_PARTS
from image_service.web.openapi.components import CHALLENGE, shared

KEY_USED = "Idempotency-Key was used for another request"

_UNSUPPORTED = "Unsupported Media Type"
_SOME_IMAGE = 1838301  # from the document's examples
_EVERY: dict[int | str, dict[str, Any]] = {
    401: failure(
        "No credentials, or wrong ones.",
        "Invalid credentials",
        _SOME_IMAGE,
        NO_IMAGE,
        name="Unauthorized",
        headers=CHALLENGE,
    ),
    429: failure(
        "Too many calls of the store, or too many wrong credentials.",
        "Too Many Requests",
        _SOME_IMAGE,
        NO_IMAGE,
        name="TooManyRequests",
    ),
    500: failure(
        "An error of ours; it has been logged under this answer's `X-Request-Id`.",
        "Internal Server Error",
        _SOME_IMAGE,
        NO_IMAGE,
        name="InternalServerError",
    ),
    503: failure(
        "Too busy, or the database or blob store cannot be reached.",
        "Service Unavailable",
        _SOME_IMAGE,
        NO_IMAGE,
        name="ServiceUnavailable",
    ),
}

CREATE: dict[str, Any] = dict(
    operation_id="bukalapak_create_image",
    summary="Create an image",
    responses={
        200: {
            "model": Created,
            "description": "The image, on no product yet.",
            "content": examples(created=CREATED),
        },
        **_EVERY,
        400: failure("A form with too many parts, or too long a text or head in one.", "Bad Request", NO_IMAGE),
        403: failure("The token may only read.", "Read-only token", NO_IMAGE),
        408: failure("The body did not come in time.", "Request Timeout", NO_IMAGE),
        409: failure("The first request with this `Idempotency-Key` has not ended.", "Conflict", NO_IMAGE),
        413: failure("10 MB or more.", "Image must be less than 10MB", NO_IMAGE),
        415: failure("A body that has a `Content-Encoding`.", _UNSUPPORTED, NO_IMAGE),
        422: {
            "model": Failed,
            "description": "No file, not an image (gif, jpg, png, or what the settings add), too many pixels, or a "
            "key that cannot be used.",
            "content": examples(
                not_a_picture={"status": "ERROR", "user_id": NO_IMAGE, "message": NOT_A_PICTURE},
                too_large={"status": "ERROR", "user_id": NO_IMAGE, "message": TOO_MANY_PIXELS},
                key_used={"status": "ERROR", "user_id": NO_IMAGE, "message": KEY_USED},
            ),
        },
        507: failure("No space is left for bytes.", "Insufficient Storage", NO_IMAGE),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": shared(
                        "UploadForm",
                        {
                            "type": "object",
                            "description": "The picture as a file.",
                            "maxProperties": MAX_PARTS,
                            "required": ["file"],
                            "properties": {
                                "file": {"description": "The picture.", "type": "string", "format": "binary"}
                            },
                        },
                    )
                }
            },
        }
    },
)

STATUS: dict[str, Any] = dict(
    operation_id="bukalapak_get_image_status",
    summary="Ask whether an image is on a product",
    responses={
        200: {
            "model": Done | Failed,
            "description": "`Orphaned`, or `Assigned`, which the envelope calls an ERROR: as printed.",
            "content": examples(orphaned=ORPHANED, assigned=ASSIGNED),
        },
        **_EVERY,
        404: failure("This store has no such image.", "Image not found", _SOME_IMAGE),
    },
)

DELETE: dict[str, Any] = dict(
    operation_id="bukalapak_delete_image",
    summary="Delete an image",
    responses={
        200: {"model": Done, "description": "The image was deleted.", "content": examples(deleted=DELETED)},
        **_EVERY,
        403: {
            "model": Failed,
            "description": "The image is another store's, or the token is read-only.",
            "content": examples(
                foreign={
                    "status": "ERROR",
                    "user_id": 1838301,
                    "message": "Can't delete another user's image",
                },
                read_only={"status": "ERROR", "user_id": 1838301, "message": "Read-only token"},
            ),
        },
        404: failure("There is no such image.", "Failed to delete image", _SOME_IMAGE),
        415: failure("There is a `Content-Encoding`.", _UNSUPPORTED, _SOME_IMAGE),
    },
)
