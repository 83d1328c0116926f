"""Bukalapak's errors: the failure envelope, worded as in its document."""

import re
from typing import Any

from starlette.exceptions import HTTPException
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
from image_service.web.problems import Problem, megabytes

NOT_A_PICTURE = "Harus berupa file gambar"  # "must be an image file": as printed
TOO_MANY_PIXELS = "Image is too large to process"
_OF_AN_IMAGE = re.compile(r"/v2/images/(?P<status>status/)?(?:(?P<id>[1-9][0-9]{0,99})|[^/]+)\.json")


def _message(problem: Problem, *, deleting: bool, of_an_image: bool) -> str:
    match problem.error:
        case Unauthenticated():
            return "Invalid credentials"
        case ReadOnlyToken():
            return "Read-only token"
        case ForeignImage() if deleting:
            return "Can't delete another user's image"
        case HTTPException(status_code=404) if not of_an_image:
            return problem.reason
        case ImageNotFound() | HTTPException(status_code=404):
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
    path = _path(request)
    status = problem.status
    if deleting and isinstance(problem.error, ForeignImage):
        status = 403  # the document's only response that reveals another store's image
    body: dict[str, Any] = {
        "status": "ERROR",
        "user_id": _image_id(path),
        "message": _message(problem, deleting=deleting, of_an_image=_is_route(path, deleting=deleting)),
    }
    return JSONResponse(body, status)


def render_as_200(request: Request, problem: Problem) -> Response:
    """As `render`, but with status 200, except 401: old clients lose the body of other statuses."""
    response = render(request, problem)
    response.status_code = response.status_code if response.status_code == 401 else 200
    return response


def _path(request: Request) -> re.Match[str] | None:
    """The path as it was sent: a request may be refused before it has a route, for a percent sign among others."""
    return _OF_AN_IMAGE.fullmatch(request.scope["raw_path"].decode("latin-1"))


def _is_route(path: re.Match[str] | None, *, deleting: bool) -> bool:
    """Of the two that name an image: one deletes it, the other tells its status."""
    return path is not None and deleting == (path["status"] is None)


def _image_id(path: re.Match[str] | None) -> int | str:
    """The id in the path, also one beyond 64 bits, which no image has."""
    return int(path["id"]) if path is not None and path["id"] else NO_IMAGE
