"""For whoever runs the service: is it alive, can it serve."""

from typing import Any, Literal

import structlog
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from image_service.api.dependencies import PartsOf
from image_service.errors import ImageServiceError
from image_service.images import instance

log = structlog.get_logger()

NO_STORE = {"Cache-Control": "no-store"}

router = APIRouter(prefix="/health", tags=["Operations"])


class Live(BaseModel):
    status: Literal["live"]


class Readiness(BaseModel):
    """Each part is `ok` or says what is wrong with it."""

    status: Literal["ready", "unavailable"]
    database: str
    storage: str
    instance: str


def _example(**fields: str) -> dict[str, Any]:
    return {"content": {"application/json": {"example": fields}}}


@router.get(
    "/live",
    summary="Is the process alive?",
    responses={200: {"model": Live, "description": "It answers.", **_example(status="live")}},
)
async def live() -> Response:
    """200 as long as the process answers at all; restart it if it does not."""
    return JSONResponse({"status": "live"}, headers=NO_STORE)


@router.get(
    "/ready",
    summary="Can it serve requests?",
    responses={
        200: {
            "model": Readiness,
            "description": "Yes.",
            **_example(status="ready", database="ok", storage="ok", instance="ok"),
        },
        503: {
            "model": Readiness,
            "description": "No, and why not; the log says more.",
            **_example(status="unavailable", database="not reachable", storage="ok", instance="not checked"),
        },
    },
)
async def ready(parts: PartsOf) -> Response:
    """200 once requests can be served; 503 while the database or the blob store cannot be reached, or while the two
    belong to different installations. Send traffic only to instances that are ready.
    """
    body = {"database": "ok", "storage": "ok", "instance": "ok"}
    try:
        await parts.database.check()
    except ImageServiceError as error:
        body["database"] = _reason(error, "not reachable")
    try:
        await parts.storage.check()
    except ImageServiceError as error:
        body["storage"] = _reason(error, "not reachable or not writable")
    if set(body.values()) == {"ok"}:
        try:
            await instance.claim(parts.database, parts.storage, parts.staging)
        except ImageServiceError as error:
            body["instance"] = _reason(error, "database and blob store belong to different installations")
    else:
        body["instance"] = "not checked"
    is_ready = set(body.values()) == {"ok"}
    status = "ready" if is_ready else "unavailable"
    return JSONResponse({"status": status, **body}, 200 if is_ready else 503, NO_STORE)


def _reason(error: ImageServiceError, public: str) -> str:
    """Addresses and paths are for the log alone: this page needs no token."""
    log.warning("not ready", reason=str(error))
    return public
