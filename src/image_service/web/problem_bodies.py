"""Errors as a map of field to messages, or as code, message and description: their bodies, and what OpenAPI says."""

from typing import Annotated, Any

from pydantic import BaseModel, RootModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from image_service.errors import (
    Duplicate,
    GalleryFull,
    InvalidField,
    Kind,
    MalformedBody,
    NotAnId,
    OverfullForm,
    PictureRefused,
    Refusal,
)
from image_service.ingest.fetch_policy import COULD_NOT_BE_FETCHED
from image_service.web.images.bodies import described
from image_service.web.openapi.components import CHALLENGE, CONTENT_RANGE, shared
from image_service.web.problems import Problem, megabytes, reason_of


class CodeError(BaseModel):
    """What went wrong with the request as a whole."""

    code: Annotated[int, described("The HTTP status.")]
    message: Annotated[str, described("Its reason phrase.")]
    description: Annotated[str, described("An explanation for people.")]


class FieldErrors(RootModel[dict[str, list[str]]]):
    """What is wrong with which field: a map of its name to messages."""


class Unreadable(BaseModel):
    """The body could not be read."""

    error: str


_DESCRIPTIONS = {
    401: "Invalid access token",
    403: "The access token may only read",
    404: "No such image or product",
    405: "This method is not allowed here",
    408: "The body did not come in time",
    409: "The first request with this Idempotency-Key has not ended; repeat it after Retry-After",
    412: "It has been changed since the version that If-Match names",
    413: "The body is too long without its attachment, or holds too many values",
    415: "Send application/json or multipart/form-data, without a Content-Encoding",
    416: "The range begins beyond the end",
    429: "Too many requests, or too many wrong credentials; go on after Retry-After",
    431: "The head has too many fields",
    500: "An error of ours; it has been logged under this answer's X-Request-Id",
    503: "Try again in a moment",
    507: "No space is left for more images",
}

NOT_AN_ID = "No such image or product: an id is a whole number from 1"


def description_of(status: int) -> str:
    """The text of an error that its status fully describes."""
    return _DESCRIPTIONS.get(status) or reason_of(status)


def render(request: Request, problem: Problem) -> Response:
    """Three shapes: a map of field to messages, `error` for an unreadable body, else code, message, description."""
    body: dict[str, Any]
    match problem.error:
        case PictureRefused(field=field):
            body = {field: [words_of(problem.error)]}
        case InvalidField(messages=messages):
            body = {field: [message] for field, message in messages.items()}
        case MalformedBody():
            body = {"error": "Problems parsing JSON"}
        case OverfullForm():
            body = {"error": "Problems parsing the form"}
        case GalleryFull(limit=limit):
            body = code_body(problem, gallery_full(limit))
        case Duplicate(image_id=image_id):
            body = code_body(problem, duplicate(image_id))
        case NotAnId():
            body = code_body(problem, NOT_AN_ID)
        case HTTPException(status_code=404):
            body = code_body(problem, "No such route")
        case _:
            body = code_body(problem, description_of(problem.status))
    return JSONResponse(body, problem.status)


def duplicate(image_id: int) -> str:
    return f"The product has this picture already: image {image_id}"


def gallery_full(limit: int) -> str:
    return f"Product is not allowed to have more than {limit} images"


def words_of(error: PictureRefused) -> str:
    """Why the picture is refused; follows its field's name."""
    match error.refusal:
        case Refusal.CUT_SHORT:
            return "is cut short"
        case Refusal.DAMAGED:
            return "is damaged"
        case Refusal.ANIMATED_AVIF:
            return "is an animated AVIF"
        case Refusal.TOO_WIDE_OR_HIGH:
            return "is too wide or too high"
        case Refusal.TOO_MANY_PIXELS:
            return "has too many pixels"
        case Refusal.TOO_HEAVY | Refusal.TOO_HEAVY_FETCHED:
            return error.answer or f"must weigh less than {megabytes(error.limit)}"
        case Refusal.NOT_FETCHED:
            return error.answer or COULD_NOT_BE_FETCHED
        case Refusal.NOT_BASE64:
            return "is not base64"
        case Refusal.OTHER_FORMAT if error.kind is Kind.HEIC:
            return "HEIC: save it as JPEG"
        case Refusal.OTHER_FORMAT | Refusal.NOT_AN_IMAGE:
            *others, last = error.formats
            kind = "" if error.kind in (None, Kind.WEBP, Kind.AVIF) else f"{error.kind}: "
            return f"{kind}must be a {', '.join(others)} or {last} image"


def code_body(problem: Problem, description: str) -> dict[str, Any]:
    """For a problem not of one field."""
    return code_body_of(problem.status, description)


def code_body_of(status: int, description: str) -> dict[str, Any]:
    return {"code": status, "message": reason_of(status), "description": description}


# --- OpenAPI ---


def _response(
    name: str, description: str, *examples: dict[str, Any], headers: Any = None, **more: Any
) -> dict[str, Any]:
    """A component of the document; several examples are named after their invalid field."""
    content = (
        {"example": examples[0]}
        if len(examples) == 1
        else {"examples": {_title(example): {"value": example} for example in examples}}
    )
    return shared(
        name,
        {
            "description": description,
            "content": {"application/json": content},
            "headers": headers or {},
            **more,
        },
    )


def _title(example: dict[str, Any]) -> str:
    """`src: can't be blank`, or a code error's description, or the only sentence."""
    if single := example.get("description") or example.get("error"):
        return str(single)
    return "; ".join(f"{field}: {messages[0]}" for field, messages in example.items())


def _coded(status: int, **more: Any) -> dict[str, Any]:
    phrase, text = reason_of(status), _DESCRIPTIONS[status]
    example = code_body_of(status, text)
    return _response(phrase.replace(" ", ""), text + ".", example, model=CodeError, **more)


ERRORS: dict[int, dict[str, Any]] = {
    400: _response(
        "BadRequest",
        "The body is not JSON, or is a form with too many parts, or too long a text or head in one.",
        {"error": "Problems parsing JSON"},
        {"error": "Problems parsing the form"},
        model=Unreadable,
    ),
    401: _response(
        "Unauthorized",
        "No access token, or an invalid one.",
        code_body_of(401, _DESCRIPTIONS[401]),
        model=CodeError,
        headers=CHALLENGE,
    ),
    403: _coded(403),
    404: _response(
        "NotFound",
        "No such image or product.",
        code_body_of(404, _DESCRIPTIONS[404]),
        code_body_of(404, NOT_AN_ID),
        model=CodeError,
    ),
    408: _coded(408),
    409: _response(
        "Conflict",
        "The first request with this `Idempotency-Key` has not ended; or the product has the picture already, and "
        "`on_duplicate` refuses it.",
        code_body_of(409, _DESCRIPTIONS[409]),
        code_body_of(409, duplicate(101)),
        model=CodeError,
    ),
    412: _coded(412),
    413: _response(
        "ContentTooLarge",
        "10 MB or more; or JSON of which, without `attachment`, there are more than 64 KiB or 2,000 values.",
        {"file": ["must weigh less than 10MB"]},
        {"attachment": ["must weigh less than 10MB"]},
        code_body_of(413, _DESCRIPTIONS[413]),
        model=CodeError | FieldErrors,  # in this order, as below
    ),
    415: _coded(415),
    416: _coded(416, headers=CONTENT_RANGE),
    422: _response(
        "UnprocessableEntity",
        "A field cannot be used, what was sent is not a picture, or the product is full.",
        {"src": ["can't be blank"]},
        {"file": ["can't be blank: image was sent, file is wanted"]},
        {"attachment": ["must be a gif, jpg or png image"]},
        {"attachment": ["is not base64"]},
        {"src": ["must be an http:// or https:// URL"]},
        {"src": ["could not be fetched"]},
        {"src": ["answered 404"]},
        {"src": ["must weigh less than 10MB"]},
        {"file": ["is cut short"]},
        {"file": ["is damaged"]},
        {"file": ["HEIC: save it as JPEG"]},
        {"file": ["PDF: must be a gif, jpg or png image"]},
        {"file": ["is too wide or too high"]},
        {"file": ["has too many pixels"]},
        {"position": ["must be greater than or equal to 1"]},
        {"Idempotency-Key": ["was used for another request"]},
        {
            "code": 422,
            "message": "Unprocessable Entity",
            "description": gallery_full(250),
        },
        model=CodeError | FieldErrors,  # in this order: a map of field to messages matches anything
    ),
    429: _coded(429),
    500: _coded(500),
    503: _coded(503),
    507: _coded(507),
}
BAD_QUERY: dict[int | str, dict[str, Any]] = {
    422: _response(
        "BadQuery",
        "A parameter of the query cannot be used.",
        {"page": ["must be greater than or equal to 1"]},
        {"since_id": ["must be an integer"]},
        model=FieldErrors,
    )
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """A route's errors, plus those of all routes: 401, 404 (if the path has parameters), 429, 500 and 503.

    405 belongs to no route: a method that the document lacks gets it.
    """
    return {status: ERRORS[status] for status in sorted({401, 404, 429, 500, 503, *statuses})}
