"""OpenAPI descriptions of jobs, and their errors' texts."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from image_service.jobs.ends import JobBegun, JobNotFound
from image_service.own import problems
from image_service.own.problems import MEDIA_TYPE, described_problem, problem_body
from image_service.web.images.answers import PAGED
from image_service.web.jobs.asynchronous import QUEUED, JobBody
from image_service.web.problems import Problem

UNKNOWN = "The store has no such job; jobs are kept for 30 days"
BEGUN = "The job has begun, or has ended: it can't be cancelled any more"


def render(request: Request, problem: Problem) -> Response:
    match problem.error:
        case JobNotFound():
            body = problem_body(404, "job_not_found", UNKNOWN)
        case JobBegun():
            body = problem_body(409, "job_begun", BEGUN)
        case _:
            return problems.render(request, problem)
    return JSONResponse(body, problem.status, media_type=MEDIA_TYPE)


_IMAGE = {
    "id": 101,
    "src": "https://images.example.com/stores/001/234/products/charmander-8f2b6c0e4d1a4f6f9d3c5b7a9e1f2d3c-640-0.jpg",
    "position": 1,
    "product_id": 1234,
    "created_at": "2026-01-01T00:00:02+00:00",
    "updated_at": "2026-01-01T00:00:02+00:00",
}
_ENDED = {"finished_at": "2026-01-01T00:00:02+00:00"}
_FINISHED = (
    QUEUED
    | _ENDED
    | {
        "state": "finished",
        "result": _IMAGE,
        "receipts": [{"index": 0, "id": 101, "outcome": "added", "reason": None, "status": None}],
    }
)
_FAILED = (
    QUEUED
    | _ENDED
    | {
        "state": "failed",
        "receipts": [{"index": 0, "id": None, "outcome": "failed", "reason": "not_found", "status": 404}],
    }
)


def _shown(**examples: Any) -> dict[str, Any]:
    return {"application/json": {"examples": {name: {"value": example} for name, example in examples.items()}}}


_NO_JOB = problem_body(404, "job_not_found", UNKNOWN)
_NOT_FOUND: dict[int | str, Any] = {404: described_problem("JobNotFound", "The store has no such job.", _NO_JOB)}
_BEGUN = {409: described_problem("JobBegun", "It has begun.", problem_body(409, "job_begun", BEGUN), headers={})}
_STATES = "must be 'queued', 'running', 'finished', 'failed' or 'cancelled'"
_BAD_QUERY = {
    422: described_problem(
        "JobsBadQuery",
        "A parameter of the query cannot be used.",
        problem_body(422, "invalid_field", f"state: {_STATES}", {"state": [_STATES]}),
    )
}

LIST_JOBS: dict[str, Any] = dict(
    summary="List jobs",
    responses={
        200: {
            "model": list[JobBody],
            "description": "The jobs, the newest first.",
            "headers": PAGED,
            "content": {"application/json": {"example": [_FINISHED, _FAILED]}},
        },
        **problems.problems(),
        **_BAD_QUERY,
    },
)
GET_JOB: dict[str, Any] = dict(
    summary="Get a job",
    responses={
        200: {
            "model": JobBody,
            "description": "The job.",
            "content": _shown(queued=QUEUED, finished=_FINISHED, failed=_FAILED),
        },
        **problems.problems(),
        **_NOT_FOUND,
    },
)
CANCEL_JOB: dict[str, Any] = dict(
    summary="Cancel a job",
    responses={
        200: {
            "model": JobBody,
            "description": "The job was cancelled.",
            "content": _shown(cancelled=QUEUED | _ENDED | {"state": "cancelled"}),
        },
        **problems.problems(403, 409),
        **_NOT_FOUND,
        **_BEGUN,
    },
)
