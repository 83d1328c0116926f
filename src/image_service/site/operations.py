"""Health and metrics for operators."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, Literal

import structlog
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from image_service.database.database import Database
from image_service.errors import ImageServiceError
from image_service.images.upkeep import runs
from image_service.queue import state
from image_service.telemetry import metrics
from image_service.telemetry.collectors import Depth, JobResult, Told
from image_service.telemetry.count_buffer import CountBuffer
from image_service.telemetry.together import Together
from image_service.web.openapi.routes import Router
from image_service.web.parts import PartsOf

log = structlog.get_logger()

NO_STORE = {"Cache-Control": "no-store"}

JOBS_SECONDS = 2.0  # timeout for the database: a scrape without it is better than a late one

router = Router(tags=["Operations"])


class LiveBody(BaseModel):
    status: Literal["live"]


class ReadinessBody(BaseModel):
    """Each part is `ok` or says what is wrong with it."""

    status: Literal["ready", "unavailable", "stopping"]
    database: str
    storage: str
    instance: str


def _example(**fields: str) -> dict[str, Any]:
    return {"content": {"application/json": {"example": fields}}}


@router.get(
    "/health/live",
    operation_id="get_liveness",
    summary="Is the process alive?",
    responses={200: {"model": LiveBody, "description": "It answers.", **_example(status="live")}},
)
async def live() -> Response:
    """200 while the process answers; restart it if it does not."""
    return JSONResponse({"status": "live"}, headers=NO_STORE)


@router.get(
    "/health/ready",
    operation_id="get_readiness",
    summary="Can it serve requests?",
    responses={
        200: {
            "model": ReadinessBody,
            "description": "Yes.",
            **_example(status="ready", database="ok", storage="ok", instance="ok"),
        },
        503: {
            "model": ReadinessBody,
            "description": "No, and why not; the log says more.",
            **_example(status="unavailable", database="not reachable", storage="ok", instance="not checked"),
        },
    },
)
async def ready(parts: PartsOf) -> Response:
    """200 if the service can answer requests. 503 while the database or the blob store is down, if the two belong to
    different installations, and after the service was told to stop. Send traffic only to ready instances.
    """
    if parts.is_stopping():
        unasked = dict.fromkeys(("database", "storage", "instance"), "not checked")
        return JSONResponse({"status": "stopping", **unasked}, 503, NO_STORE)
    found = await parts.readiness.look()
    is_ready = set(found.values()) == {"ok"}
    status = "ready" if is_ready else "unavailable"
    return JSONResponse({"status": status, **found}, 200 if is_ready else 503, NO_STORE)


@router.get(
    "/metrics",
    operation_id="get_metrics",
    summary="Counts for Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "In Prometheus's text form.",
            "content": {
                "text/plain": {
                    "schema": {"type": "string"},
                    "example": 'image_service_http_requests_total{dialect="uploads",method="POST",'
                    'route="/uploads/{id}",status="201"} 17.0\n',
                }
            },
        }
    },
)
async def scrape(parts: PartsOf) -> Response:
    """The counts of this instance since its start, over all of its processes, and the last results of sweep and verify.
    It needs no token: keep it internal.
    """
    return Response(await parts.scrape(), headers={**NO_STORE, "Content-Type": metrics.CONTENT_TYPE})


def scrapes_of(database: Database, counts: CountBuffer, kinds: Collection[str]) -> Together[bytes]:
    """A scrape reads the files of all processes and queries the database. Simultaneous requests share one."""

    async def exposed() -> bytes:
        results, depths, told = await _jobs(database, kinds)
        counts.hand_on()
        return await asyncio.to_thread(metrics.exposition, results, depths, told)

    return Together(exposed)


async def _jobs(
    database: Database, kinds: Collection[str]
) -> tuple[Mapping[str, JobResult] | None, Mapping[str, Depth] | None, Told | None]:
    try:
        async with asyncio.timeout(JOBS_SECONDS):
            return await runs.results(database), await state.depths(database, kinds), await state.told(database)
    except (ImageServiceError, TimeoutError):
        return None, None, None
