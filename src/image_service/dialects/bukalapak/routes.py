"""Bukalapak's image API, to the letter of its document: three routes under `/v2`."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

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
from image_service.errors import (
    ForeignImage,
    ImageNotFound,
    InvalidField,
    KeyRefused,
    NothingGiven,
    PictureRefused,
    ReadOnlyToken,
    Refusal,
    Unauthenticated,
)
from image_service.images import queries
from image_service.images.library import Upload
from image_service.images.queries import Image
from image_service.web.bodies import uploads
from image_service.web.bodies.filenames import clean_filename
from image_service.web.bodies.multipart import MAX_PARTS
from image_service.web.dependencies import MAX_ID, ImageId, PartsOf, Reader, Writer, is_plain_decimal
from image_service.web.openapi.components import CHALLENGE, shared
from image_service.web.problems import Dialect, Problem, megabytes
from image_service.web.repeats import IdempotencyKey, turn

NOT_A_PICTURE = "Harus berupa file gambar"  # "must be an image file": as printed
TOO_MANY_PIXELS = "Image is too large to process"
KEY_USED = "Idempotency-Key was used for another request"

_SOME_IMAGE = 1838301  # of the document's examples
EVERY: dict[int | str, dict[str, Any]] = {
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

router = APIRouter(prefix="/v2", tags=["Bukalapak"])


@router.post(
    "/images.json",
    operation_id="bukalapak_create_image",
    summary="Create an image",
    responses={
        200: {
            "model": Created,
            "description": "The image, on no product yet.",
            "content": examples(created=CREATED),
        },
        **EVERY,
        400: failure("A form with too many parts, or too long a text or head in one.", "Bad Request", NO_IMAGE),
        403: failure("The token may only read.", "Read-only token", NO_IMAGE),
        408: failure("The body did not come in time.", "Request Timeout", NO_IMAGE),
        409: failure("The first request with this `Idempotency-Key` has not ended.", "Conflict", NO_IMAGE),
        413: failure("10 MB or more.", "Image must be less than 10MB", NO_IMAGE),
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
async def create(request: Request, caller: Writer, parts: PartsOf, key: IdempotencyKey) -> Response:
    """Upload a picture as the form's `file`. It belongs to no product until it is assigned to one:
    send its id as `image_id` to `POST /products/{product_id}/images`.

    `curl -u 1:TOKEN HOST/v2/images.json -F file=@product-image.png -X POST`
    """
    async with parts.ingest.intake() as intake:
        body = await uploads.read_upload(request, intake, max_image_bytes=parts.max_image_bytes)
        if body.file is None:
            raise NothingGiven
        async with turn(request, parts, caller.store_id, key, {}, body, _created) as mine:
            if mine.answered is not None:
                return mine.answered
            picture = await intake.from_upload(body.file)
            filename = clean_filename(body.filename, picture.format)
            image = await parts.library.add(caller.store_id, Upload(picture, filename), once=mine.once)
    return _created(image)


def _created(image: Image) -> Response:
    return JSONResponse({"status": "OK", "id": str(image.id), "message": None})


@router.get(
    "/images/status/{id}.json",
    operation_id="bukalapak_get_image_status",
    summary="Ask whether an image is on a product",
    responses={
        200: {
            "model": Done | Failed,
            "description": "`Orphaned`, or `Assigned`, which the envelope calls an ERROR: as printed.",
            "content": examples(orphaned=ORPHANED, assigned=ASSIGNED),
        },
        **EVERY,
        404: failure("This store has no such image.", "Image not found", _SOME_IMAGE),
    },
)
async def status(id: ImageId, caller: Reader, parts: PartsOf) -> Response:
    """Check whether an image has been assigned to a product or not."""
    image = await queries.image(parts.database, caller.store_id, id)
    if image.product_id is None:
        return JSONResponse({"status": "OK", "id": id, "message": "Orphaned"})
    return JSONResponse({"status": "ERROR", "user_id": id, "message": "Assigned"})


@router.delete(
    "/images/{id}.json",
    operation_id="bukalapak_delete_image",
    summary="Delete an image",
    responses={
        200: {"model": Done, "description": "It is gone.", "content": examples(deleted=DELETED)},
        **EVERY,
        403: {
            "model": Failed,
            "description": "It is another store's, or the token may only read.",
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
    },
)
async def delete(id: ImageId, caller: Writer, parts: PartsOf) -> Response:
    """Delete an image, whether or not it is on a product; where it was, the others close up."""
    await parts.library.remove(caller.store_id, id)
    return JSONResponse({"status": "OK", "id": id, "message": "Image deleted"})


def _message(problem: Problem, *, deleting: bool) -> str:
    match problem.error:
        case Unauthenticated():
            return "Invalid credentials"
        case ReadOnlyToken():
            return "Read-only token"
        case ForeignImage() if deleting:
            return "Can't delete another user's image"
        case ImageNotFound():
            return "Failed to delete image" if deleting else "Image not found"
        case PictureRefused(refusal=Refusal.TOO_MANY_PIXELS):
            return TOO_MANY_PIXELS
        case PictureRefused(refusal=Refusal.TOO_HEAVY, limit=limit):
            return f"Image must be less than {megabytes(limit)}"
        case KeyRefused(field=field, message=message):
            return f"{field} {message}"
        case InvalidField() | PictureRefused():
            return NOT_A_PICTURE
        case _:
            return problem.reason


def render(request: Request, problem: Problem) -> Response:
    """The failure envelope."""
    deleting = request.method == "DELETE"
    status = problem.status
    if deleting and isinstance(problem.error, ForeignImage):
        status = 403  # the one answer in which the document tells of other stores' images
    body: dict[str, Any] = {
        "status": "ERROR",
        "user_id": _image_id(request),
        "message": _message(problem, deleting=deleting),
    }
    headers = dict(problem.headers)
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="image-service", charset="UTF-8"'
    elif request.app.state.parts.bukalapak_always_200:
        status = 200  # old clients lose the body of anything else
    return JSONResponse(body, status, headers)


def _image_id(request: Request) -> int | str:
    value = str(request.path_params.get("id", ""))
    return int(value) if value and is_plain_decimal(value) and int(value) <= MAX_ID else NO_IMAGE


DIALECT = Dialect("bukalapak", "/v2/", router, render)
