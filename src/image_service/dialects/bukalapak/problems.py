"""Bukalapak's errors: the failure envelope, worded as in its document."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from image_service.dialects.bukalapak.schemas import NO_IMAGE
from image_service.errors import (
    ForeignImage,
    ImageNotFound,
    InvalidField,
    KeyRefused,
    PictureRefused,
    ReadOnlyToken,
    Refusal,
    Unauthenticated,
)
from image_service.web.numbers import id_of
from image_service.web.problems import Problem, megabytes

NOT_A_PICTURE = "Harus berupa file gambar"  # "must be an image file": as printed
TOO_MANY_PIXELS = "Image is too large to process"


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
        case PictureRefused(refusal=Refusal.TOO_MANY_PIXELS | Refusal.TOO_WIDE_OR_HIGH):
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
        status = 403  # the document's only response that reveals another store's image
    body: dict[str, Any] = {
        "status": "ERROR",
        "user_id": _image_id(request),
        "message": _message(problem, deleting=deleting),
    }
    return JSONResponse(body, status)


def render_as_200(request: Request, problem: Problem) -> Response:
    """As `render`, but with status 200, except 401: old clients lose the body of other statuses."""
    response = render(request, problem)
    response.status_code = response.status_code if response.status_code == 401 else 200
    return response


def _image_id(request: Request) -> int | str:
    value = str(request.path_params.get("id", ""))
    return (id_of(value) if value else None) or NO_IMAGE
