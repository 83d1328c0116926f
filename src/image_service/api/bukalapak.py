"""Bukalapak's image API, to the letter of its document: three routes under `/v2`."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from image_service.api import uploads
from image_service.api.bukalapak_schemas import (
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
from image_service.api.dependencies import MAX_ID, ImageId, PartsOf, Reader, Writer, is_plain_decimal
from image_service.api.filenames import clean_filename
from image_service.api.problems import Dialect, Problem, megabytes
from image_service.api.repeats import IdempotencyKey, turn
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

NOT_A_PICTURE = "Harus berupa file gambar"  # "must be an image file": as printed

UNAUTHENTICATED = failure("No credentials, or wrong ones.", "Invalid credentials")
READ_ONLY = failure("The token may only read.", "Read-only token")
RATE_LIMITED = failure("Too many calls of the store, or too many wrong credentials.", "Too Many Requests")
UNAVAILABLE = failure("Too busy, or the database or blob store cannot be reached.", "Service Unavailable")

router = APIRouter(prefix="/v2", tags=["Bukalapak"])


@router.post(
    "/images.json",
    summary="Create an image",
    responses={
        200: {
            "model": Created,
            "description": "The image, on no product yet.",
            "content": examples(created=CREATED),
        },
        401: UNAUTHENTICATED,
        403: READ_ONLY,
        409: failure("The first request with this `Idempotency-Key` has not ended.", "Conflict", NO_IMAGE),
        413: failure("10 MB or more.", "Image must be less than 10MB", NO_IMAGE),
        422: failure("No file, or not a gif, jpg or png image.", NOT_A_PICTURE, NO_IMAGE),
        429: RATE_LIMITED,
        503: UNAVAILABLE,
        507: failure("No space is left for bytes.", "Insufficient Storage", NO_IMAGE),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {"file": {"type": "string", "format": "binary"}},
                    }
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
    summary="Ask whether an image is on a product",
    responses={
        200: {
            "model": Done | Failed,
            "description": "`Orphaned`, or `Assigned`, which the envelope calls an ERROR: as printed.",
            "content": examples(orphaned=ORPHANED, assigned=ASSIGNED),
        },
        401: UNAUTHENTICATED,
        404: failure("This store has no such image.", "Image not found"),
        429: RATE_LIMITED,
        503: UNAVAILABLE,
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
    summary="Delete an image",
    responses={
        200: {"model": Done, "description": "It is gone.", "content": examples(deleted=DELETED)},
        401: UNAUTHENTICATED,
        403: {
            **failure("It is another store's, or the token may only read.", "Can't delete another user's image"),
            "content": examples(
                foreign={
                    "status": "ERROR",
                    "user_id": 1838301,
                    "message": "Can't delete another user's image",
                },
                read_only={"status": "ERROR", "user_id": 1838301, "message": "Read-only token"},
            ),
        },
        404: failure("There is no such image.", "Failed to delete image"),
        429: RATE_LIMITED,
        503: UNAVAILABLE,
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
            return "Image is too large to process"
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
