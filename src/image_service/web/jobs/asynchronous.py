"""`Prefer: respond-async` (RFC 7240): answers before the work is done, and shows its job."""

from typing import Annotated, Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import TypedDict

from image_service.images.idempotency import Once
from image_service.jobs import store_jobs
from image_service.jobs.store_jobs import NewJob, StoreJob
from image_service.web.images.bodies import Time, described
from image_service.web.images.view import ANY, time_of
from image_service.web.openapi.components import shared
from image_service.web.parts import Parts

PREFERENCE = "respond-async"


def wanted(request: Request) -> bool:
    """Whether the client prefers an immediate answer."""
    stated = ",".join(request.headers.getlist("prefer"))
    return any(each.partition(";")[0].strip().lower() == PREFERENCE for each in stated.split(","))


async def make(parts: Parts, job: NewJob, once: Once[Any] | None) -> None:
    """Store a request's job; `accepted` answers it. Raises `RepeatUnderWay`, `StoreNotFound`."""
    await store_jobs.make(parts.database, job, once)
    parts.nudge()


def accepted(parts: Parts, job: NewJob) -> Response:
    """202 with the job as created, the same for every repeat."""
    body = _body(job.id.hex, job.kind, "queued", None, [], time_of(job.created_at), None)
    headers = {"Location": f"{parts.api_base}/jobs/{job.id.hex}", "Preference-Applied": PREFERENCE}
    return JSONResponse(body, 202, headers)


def shown(job: StoreJob) -> dict[str, Any]:
    ended = time_of(job.finished_at) if job.finished_at else None
    result, receipts = _ordered(job.result), _ordered(list(job.receipts))
    return _body(job.id.hex, job.kind, str(job.state), result, receipts, time_of(job.created_at), ended)


_RECEIPT = ("index", "id", "outcome", "reason", "status")
_PLACES = {name: place for place, name in enumerate(("index", *ANY, *_RECEIPT[2:], "images", "revision", "receipts"))}


def _ordered(value: Any) -> Any:
    """Restore the answer's order of names, which PostgreSQL's jsonb does not keep."""
    if isinstance(value, list):
        return [_ordered(each) for each in value]
    if not isinstance(value, dict):
        return value
    names = sorted(value, key=lambda name: _PLACES.get(name, len(_PLACES)))
    return {name: _ordered(value[name]) for name in names}


def _body(
    id: str, kind: str, state: str, result: Any, receipts: list[Any], created_at: str, finished_at: str | None
) -> dict[str, Any]:
    return {
        "id": id,
        "kind": kind,
        "state": state,
        "result": result,
        "receipts": receipts,
        "created_at": created_at,
        "finished_at": finished_at,
    }


# --- OpenAPI ---


class ReceiptBody(TypedDict):
    """What was tried for one entry of what was asked for, and what came of it."""

    index: Annotated[
        int | None,
        described(
            "Index of the entry in the request's list, from 0; 0 for a create; null for a removed image.", minimum=0
        ),
    ]
    id: Annotated[int | None, described("The image's id, if there is an image.", format="int64", minimum=1)]
    outcome: Annotated[str, described("`added`, `failed`, or `waiting` for another try; a sync has more outcomes.")]
    reason: Annotated[str | None, described("Why it failed or waits: a stable name for programs.")]
    status: Annotated[int | None, described("HTTP status that the host of the `src` answered, if it did.")]


class JobBody(TypedDict):
    """Something that is done after its answer."""

    id: Annotated[str, described("The job's id.", pattern="^[0-9a-f]{32}$")]
    kind: Annotated[str, described("What was requested: `create` or `sync`.")]
    state: Annotated[
        Literal["queued", "running", "finished", "failed", "cancelled"],
        described("`finished`, `failed` and `cancelled` are final."),
    ]
    result: Annotated[
        dict[str, Any] | None,
        described("The created image or the synced gallery; null until then."),
    ]
    receipts: Annotated[list[ReceiptBody], described("One for each entry, as far as known.")]
    created_at: Time
    finished_at: Annotated[str | None, described("When the job ended; null until then.", format="date-time")]


QUEUED = _body("4c1b7a9e2f0d4e8c9a6b5d3f1e7c8a90", "create", "queued", None, [], "2026-01-01T00:00:00+00:00", None)
ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "model": JobBody,
        "description": "Answer to `Prefer: respond-async` if something must be fetched: the job that does it.",
        "headers": {
            "Location": shared(
                "JobLocation", {"description": "The job's own URL.", "schema": {"type": "string", "format": "uri"}}
            ),
            "Preference-Applied": shared(
                "PreferenceApplied",
                {"description": "The preference that was applied.", "schema": {"type": "string", "enum": [PREFERENCE]}},
            ),
        },
        "content": {"application/json": {"example": QUEUED}},
    }
}
PREFER = shared(
    "Prefer",
    {
        "name": "Prefer",
        "in": "header",
        "required": False,
        "description": "`respond-async`: answer 202 at once, and fetch the `src` afterwards. Others, and "
        "bodies that bring their picture along, make no difference.",
        "schema": {"type": "string", "examples": [PREFERENCE]},
    },
)
