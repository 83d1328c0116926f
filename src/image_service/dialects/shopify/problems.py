"""Shopify's errors: one object with `errors`, a sentence or a map of field to message.

Clients show messages under `image` alone, so these are whole sentences. Other messages follow their field's name.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from image_service.dialects.shopify.pages import NO_PAGES, PageNumber
from image_service.errors import (
    Duplicate,
    GalleryFull,
    InvalidField,
    MalformedBody,
    NothingGiven,
    OverfullForm,
    PictureRefused,
    RateLimited,
    Refusal,
)
from image_service.web.problem_bodies import description_of, duplicate, words_of
from image_service.web.problems import Problem, reason_of

IMAGE = "image"
NO_IMAGE = "Required parameter missing or invalid"
NO_PICTURE = "A src or an attachment is needed"
WRONG_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"  # noqa: S105 - a message
LEAST_WAIT = 2  # seconds: after these, clients' own throttling allows calls again; sent as a decimal


def full(limit: int) -> str:
    return f"The product may not have more than {limit} images"


def refused(error: PictureRefused) -> str:
    words = words_of(error)
    match error.refusal:
        case Refusal.NOT_FETCHED:
            return f"The URL {words}"
        case Refusal.NOT_BASE64:
            return f"The attachment {words}"
        case _:  # `PDF: must be …` is a whole sentence
            return words if ": " in words else f"The picture {words}"


def render(request: Request, problem: Problem) -> Response:
    response = JSONResponse({"errors": _errors(problem)}, problem.status)
    if isinstance(problem.error, RateLimited):
        response.headers["Retry-After"] = f"{max(LEAST_WAIT, problem.error.retry_after)}.0"
    return response


def _errors(problem: Problem) -> Any:
    match problem.error:
        case PictureRefused():
            return {IMAGE: [refused(problem.error)]}
        case NothingGiven():
            return {IMAGE: [NO_PICTURE]}
        case InvalidField(messages=messages):
            return {field: [message] for field, message in messages.items()}
        case MalformedBody() | OverfullForm():
            return {IMAGE: NO_IMAGE}
        case PageNumber():
            return {"page": NO_PAGES}
        case Duplicate(image_id=image_id):
            return {IMAGE: [duplicate(image_id)]}
        case GalleryFull(limit=limit):
            return {IMAGE: [full(limit)]}
        case _ if problem.status == 401:
            return WRONG_TOKEN
        case _ if problem.status == 404:
            return reason_of(404)
        case _:
            return description_of(problem.status)
