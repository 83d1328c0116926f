"""The errors of upload tickets: the shared ones, and a few more in the same format."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from image_service.errors import (
    BodyTooLong,
    ImageNotFound,
    OriginRefused,
    TicketEnd,
    TicketForged,
    TicketNotFound,
    TicketOver,
    UnsupportedBody,
)
from image_service.web import problem_bodies
from image_service.web.bodies.json_body import BOUNDS
from image_service.web.openapi.components import shared
from image_service.web.problem_bodies import CodeError, code_body, code_body_of
from image_service.web.problems import Problem

FORGED = "This upload URL was not signed here"
ORIGIN = "The upload ticket does not name this page's origin"
UNKNOWN = "No such upload ticket"
TOO_LONG = f"More than {BOUNDS.bytes} bytes, or {BOUNDS.values} values, are no request for a ticket"
UNSUPPORTED = "Ask for a ticket with application/json; send a file to its URL as multipart/form-data"
ENDS = {
    TicketEnd.EXPIRED: "The upload ticket has expired",
    TicketEnd.USED_UP: "The upload ticket is used up",
    TicketEnd.TRIED_OUT: "The upload ticket has been tried too often",
    TicketEnd.WITHDRAWN: "The upload ticket has been withdrawn",
}


def render(request: Request, problem: Problem) -> Response:
    match problem.error:
        case TicketOver(end=end):
            text = ENDS[end]
        case TicketForged():
            text = FORGED
        case OriginRefused():
            text = ORIGIN
        case TicketNotFound() | ImageNotFound():  # the second: a malformed id
            text = UNKNOWN
        case UnsupportedBody():
            text = UNSUPPORTED
        case BodyTooLong():
            text = TOO_LONG
        case _:
            return problem_bodies.render(request, problem)
    return JSONResponse(code_body(problem, text), problem.status)


# --- OpenAPI ---


def _coded(name: str, status: int, description: str, *texts: str) -> dict[int | str, dict[str, Any]]:
    examples = {text: {"value": code_body_of(status, text)} for text in texts}
    content = {"application/json": {"examples": examples}}
    return {status: shared(name, {"description": description, "content": content, "headers": {}, "model": CodeError})}


NOT_FOUND = _coded("UploadTicketNotFound", 404, "The store has no such upload ticket.", UNKNOWN)
TOO_LONG_BODY = _coded("UploadTicketTooLong", 413, "The body is too long.", TOO_LONG)
UNSUPPORTED_BODY = _coded("UploadUnsupported", 415, "A body of another media type.", UNSUPPORTED)
REFUSED = {
    **_coded("UploadRefused", 403, "The URL was changed, or the page may not use it.", FORGED, ORIGIN),
    **_coded("UploadTicketOver", 410, "Ask your back-end for another ticket.", *ENDS.values()),
}
