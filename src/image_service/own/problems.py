"""Errors of the service's own API: RFC 9457's `application/problem+json`, with a stable `code` for programs."""

from typing import Annotated, Any

from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from image_service.errors import Duplicate, GalleryFull, InvalidField, NoCredentials, NotAnId, PictureRefused
from image_service.web.images.bodies import described
from image_service.web.openapi.components import CHALLENGE, shared
from image_service.web.problem_bodies import NOT_AN_ID, description_of, duplicate, gallery_full, words_of
from image_service.web.problems import Problem, reason_of

MEDIA_TYPE = "application/problem+json"


class ProblemBody(BaseModel):
    """What went wrong (RFC 9457)."""

    code: Annotated[str, described("A stable name for programs, as in the header `Problem`.")]
    title: Annotated[str, described("The status in words.")]
    status: Annotated[int, described("The HTTP status.")]
    detail: Annotated[str, described("An explanation for people.")]
    errors: Annotated[dict[str, list[str]], described("Messages by field, if fields are invalid.")] = {}


def render(request: Request, problem: Problem) -> Response:
    match problem.error:
        case PictureRefused(field=field):
            errors = {field: [words_of(problem.error)]}
        case InvalidField(messages=messages):
            errors = {field: [message] for field, message in messages.items()}
        case _:
            errors = {}
    body = problem_body(problem.status, problem.code, _detail(problem, errors), errors)
    return JSONResponse(body, problem.status, media_type=MEDIA_TYPE)


def problem_body(status: int, code: str, detail: str, errors: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """`errors` is present only if fields are invalid."""
    body = {"code": code, "title": reason_of(status), "status": status, "detail": detail}
    return body | ({"errors": errors} if errors else {})


def _detail(problem: Problem, errors: dict[str, list[str]]) -> str:
    if errors:
        return "; ".join(f"{field}: {messages[0]}" for field, messages in errors.items())
    match problem.error:
        case Duplicate(image_id=image_id):
            return duplicate(image_id)
        case GalleryFull(limit=limit):
            return gallery_full(limit)
        case NotAnId():
            return NOT_AN_ID
        case NoCredentials():
            return "No access token was sent"
        case HTTPException(status_code=404):
            return "No such route"
        case _:
            return _words(problem.status)


def _words(status: int) -> str:
    """No body here has an attachment, and each is JSON."""
    return _OF_BODIES.get(status) or description_of(status)


_OF_BODIES = {
    400: "The body is not a JSON object, or is nested too deep",
    413: "The body is too long, or holds too many values",
}


# --- OpenAPI ---

_CODES = {
    400: "malformed_body",
    401: "unauthenticated",
    403: "read_only_token",
    404: "image_not_found",
    408: "request_timeout",
    409: "repeat_under_way",
    412: "precondition_failed",
    413: "body_too_long",
    415: "unsupported_body",
    429: "rate_limited",
    500: "internal_server_error",
    503: "busy",
    507: "storage_full",
}
_SCHEMA = shared("ProblemBody", ProblemBody.model_json_schema())


def described_problem(name: str, description: str, *examples: dict[str, Any], headers: Any = None) -> dict[str, Any]:
    """An OpenAPI response, as a component of this `name`; `examples` are bodies."""
    shown: dict[str, Any] = {each["detail"]: {"value": each} for each in examples}
    content = {MEDIA_TYPE: {"schema": _SCHEMA, "examples": shown}}
    return shared(name, {"description": description, "content": content, "headers": headers or {}})


def problems(*statuses: int, **invalid: dict[str, str]) -> dict[int | str, dict[str, Any]]:
    """A route's errors: `statuses`, and 401, 404 (for paths with an id), 429, 500 and 503, which every route has.
    `invalid`: the messages of a 422 by field, under its component's name.
    """
    found: dict[int | str, dict[str, Any]] = {
        status: described_problem(
            f"Problem{reason_of(status).title().replace(' ', '')}",
            f"{_words(status)}.",
            problem_body(status, _CODES[status], _words(status)),
            headers=CHALLENGE if status == 401 else None,
        )
        for status in sorted({401, 404, 429, 500, 503, *statuses})
    }
    for name, wrong in invalid.items():
        bodies = [
            problem_body(422, "invalid_field", f"{field}: {message}", {field: [message]})
            for field, message in wrong.items()
        ]
        found[422] = described_problem(name, "A field cannot be used.", *bodies)
    return found
