"""Tiendanube's errors: in words for its clients, and described for OpenAPI."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from image_service.api.problems import Problem, megabytes
from image_service.api.tiendanube_answers import PRIVATE
from image_service.api.tiendanube_schemas import CodeError
from image_service.errors import GalleryFull, InvalidField, MalformedBody, PictureRefused, Refusal
from image_service.ingest.fetch_policy import COULD_NOT_BE_FETCHED

_DESCRIPTIONS = {
    401: "Invalid access token",
    403: "The access token may only read",
    404: "No such image or product",
    405: "This method is not allowed here",
    408: "The body did not come in time",
    409: "The first request with this Idempotency-Key has not ended; repeat it after Retry-After",
    412: "It has been changed since the version that If-Match names",
    415: "Send application/json or multipart/form-data, without a Content-Encoding",
    416: "The range begins beyond the end",
    429: "Too many requests, or too many wrong credentials; go on after Retry-After",
    431: "The head has too many fields",
    500: "An error of ours; it has been logged under this answer's X-Request-Id",
    503: "Try again in a moment",
    507: "No space is left for more images",
}


def render(request: Request, problem: Problem) -> Response:
    """Three shapes: a map of field to messages, `error` for what is not JSON, else code, message, description."""
    headers = {**problem.headers, **PRIVATE}
    body: dict[str, Any]
    match problem.error:
        case PictureRefused(field=field):
            body = {field: [_refused(problem.error)]}
        case InvalidField(messages=messages):
            body = {field: [message] for field, message in messages.items()}
        case MalformedBody():
            body = {"error": "Problems parsing JSON"}
        case GalleryFull(limit=limit):
            body = _code(problem, f"Product is not allowed to have more than {limit} images")
        case HTTPException(status_code=404):
            body = _code(problem, "No such route")
        case _:
            body = _code(problem, _DESCRIPTIONS.get(problem.status, problem.reason))
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="image-service"'
    return JSONResponse(body, problem.status, headers)


def _refused(error: PictureRefused) -> str:
    match error.refusal:
        case Refusal.TOO_MANY_PIXELS:
            return "has too many pixels"
        case Refusal.TOO_HEAVY | Refusal.TOO_HEAVY_FETCHED:
            return f"must weigh less than {megabytes(error.limit)}"
        case Refusal.NOT_FETCHED:
            return error.answer or COULD_NOT_BE_FETCHED
        case Refusal.NOT_AN_IMAGE:
            return "must be a gif, jpg or png image"


def _code(problem: Problem, description: str) -> dict[str, Any]:
    return {"code": problem.status, "message": problem.reason, "description": description}


# --- OpenAPI ---


def _coded(status: int, phrase: str, description: str | None = None) -> dict[str, Any]:
    text = description or _DESCRIPTIONS[status]
    example = {"code": status, "message": phrase, "description": text}
    return {
        "model": CodeError,
        "description": text + ".",
        "content": {"application/json": {"example": example}},
    }


def _fields(description: str, **examples: dict[str, Any]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
    }
    return {
        "description": description,
        "content": {
            "application/json": {
                "schema": {"anyOf": [schema, {"$ref": "#/components/schemas/CodeError"}]},
                "examples": {name: {"value": value} for name, value in examples.items()},
            }
        },
    }


ERRORS: dict[int | str, dict[str, Any]] = {
    400: {
        "description": "The body is not JSON.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {"error": {"type": "string"}},
                },
                "example": {"error": "Problems parsing JSON"},
            }
        },
    },
    401: _coded(401, "Unauthorized"),
    403: _coded(403, "Forbidden"),
    404: _coded(404, "Not Found"),
    409: _coded(409, "Conflict"),
    412: _coded(412, "Precondition Failed"),
    413: _fields("10 MB or more.", too_heavy={"file": ["must weigh less than 10MB"]}),
    415: _coded(415, "Unsupported Media Type"),
    416: _coded(416, "Range Not Satisfiable"),
    422: _fields(
        "A field cannot be used, what was sent is not a picture, or the product is full.",
        nothing_given={"src": ["can't be blank"]},
        not_an_image={"attachment": ["must be a gif, jpg or png image"]},
        not_fetched={"src": ["could not be fetched"]},
        answered={"src": ["answered 404"]},
        too_many_pixels={"file": ["has too many pixels"]},
        position={"position": ["must be greater than or equal to 1"]},
        another_request={"Idempotency-Key": ["was used for another request"]},
        full={
            "code": 422,
            "message": "Unprocessable Entity",
            "description": "Product is not allowed to have more than 250 images",
        },
    ),
    429: _coded(429, "Too Many Requests"),
    503: _coded(503, "Service Unavailable"),
    507: _coded(507, "Insufficient Storage"),
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Those that a route can answer with, beside 401, 404, 429 and 503, which all can."""
    return {status: ERRORS[status] for status in sorted({401, 404, 429, 503, *statuses})}
