"""The errors of galleries: those of the own API, and one with receipts."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from image_service.errors import SyncStopped
from image_service.own import problems
from image_service.own.gallery.schemas import StoppedBody
from image_service.own.problems import MEDIA_TYPE, problem_body
from image_service.web.openapi.components import shared
from image_service.web.problem_bodies import gallery_full
from image_service.web.problems import Problem

STOPPED = "An entry failed, and on_error is stop: nothing has changed"


def render(request: Request, problem: Problem) -> Response:
    if not isinstance(problem.error, SyncStopped):
        return problems.render(request, problem)
    body = problem_body(problem.status, problem.code, STOPPED)
    receipts = [each.shown() for each in problem.error.receipts]
    return JSONResponse({**body, "receipts": receipts}, problem.status, media_type=MEDIA_TYPE)


# --- OpenAPI ---

_FIELD = "images[0]: must have exactly one of id, src and sha256"
_EXAMPLES: dict[str, dict[str, Any]] = {
    "An entry is wrong": {
        **problem_body(422, "invalid_field", _FIELD),
        "errors": {"images[0]": ["must have exactly one of id, src and sha256"]},
    },
    "Too many": problem_body(422, "gallery_full", gallery_full(250)),
    "An entry failed, and on_error is stop": {
        **problem_body(422, "sync_stopped", STOPPED),
        "receipts": [
            {"index": 0, "id": 101, "outcome": "failed", "reason": "host_error", "status": 503},
            {"index": 1, "id": 102, "outcome": "unchanged", "reason": None, "status": None},
        ],
    },
}
REFUSED: dict[int | str, dict[str, Any]] = {
    422: shared(
        "GalleryRefused",
        {
            "description": "The list cannot be used; or an entry failed, and `on_error` is `stop`: then `receipts` "
            "says which. Nothing has changed.",
            "content": {
                MEDIA_TYPE: {
                    "schema": shared("StoppedBody", StoppedBody.model_json_schema()),
                    "examples": {name: {"value": value} for name, value in _EXAMPLES.items()},
                }
            },
            "headers": {},
        },
    )
}
