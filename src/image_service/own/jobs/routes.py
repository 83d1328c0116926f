"""A store's jobs: the results of its requests with `Prefer: respond-async`."""

from typing import Annotated, Literal

from fastapi import Query, Request
from starlette.responses import JSONResponse, Response

from image_service.jobs import store_jobs
from image_service.jobs.ends import JobNotFound
from image_service.jobs.store_jobs import State
from image_service.own.jobs import described
from image_service.own.reading import id_in_path, page_of, uuid_of
from image_service.web.access.callers import Reader, Writer
from image_service.web.jobs.asynchronous import shown
from image_service.web.openapi.routes import Router
from image_service.web.pagination import PageAsked
from image_service.web.parts import PartsOf

router = Router(tags=["Jobs"])

JobId = Annotated[str, id_in_path("The job's id, as its `Location` ends.", "4c1b7a9e2f0d4e8c9a6b5d3f1e7c8a90")]


@router.get("/jobs", **described.LIST_JOBS)
async def list_jobs(
    request: Request,
    caller: Reader,
    parts: PartsOf,
    paging: PageAsked,
    state: Annotated[
        Literal["queued", "running", "finished", "failed", "cancelled"] | None,
        Query(description="Restrict results to jobs in this state."),
    ] = None,
) -> Response:
    """The store's jobs of the last 30 days, the newest first."""
    states = [State(state)] if state else list(State)
    total, jobs = await store_jobs.page(parts.database, caller.store_id, states, paging.offset, paging.per_page)
    return page_of(request, parts, paging, total, [shown(job) for job in jobs])


@router.get("/jobs/{id}", **described.GET_JOB)
async def get_job(id: JobId, caller: Reader, parts: PartsOf) -> Response:
    """The job's state and result. Ask again every second or two until `finished_at` is set."""
    return JSONResponse(shown(await store_jobs.of_store(parts.database, caller.store_id, uuid_of(id, JobNotFound))))


@router.delete("/jobs/{id}", **described.CANCEL_JOB)
async def cancel_job(id: JobId, caller: Writer, parts: PartsOf) -> Response:
    """Cancel a job that has not begun. Afterwards the answer is 409."""
    return JSONResponse(shown(await store_jobs.cancel(parts.database, caller.store_id, uuid_of(id, JobNotFound))))
