"""OpenAPI descriptions of galleries. Each value in capitals is the keyword arguments of one route's decorator."""

from typing import Any

from image_service.own.gallery.problems import REFUSED
from image_service.own.gallery.schemas import GalleryBody, GalleryInput, SyncedBody
from image_service.own.problems import problems
from image_service.web.images.answers import NOT_MODIFIED
from image_service.web.jobs.asynchronous import ACCEPTED, PREFER
from image_service.web.openapi.components import ETAG, IDEMPOTENCY_KEY, shared

_IMAGE = {
    "id": 101,
    "src": "https://images.example.com/stores/001/234/products/red-4f1c2d3e4a5b6c7d8e9fa0b1c2d3e4f5-640-0.jpg",
    "position": 1,
    "product_id": 1234,
    "created_at": "2026-01-01T00:00:00+00:00",
    "updated_at": "2026-01-01T00:00:00+00:00",
}
_SYNCED = {
    "images": [_IMAGE],
    "revision": 8,
    "receipts": [
        {"index": 0, "id": 101, "outcome": "unchanged", "reason": None, "status": None},
        {"index": 1, "id": None, "outcome": "failed", "reason": "not_found", "status": 404},
        {"index": None, "id": 102, "outcome": "removed", "reason": None, "status": None},
    ],
}
_LISTS = {
    "urls": {
        "summary": "The pictures that your own system knows by URL",
        "value": {"images": [{"src": "https://shop.example.com/red.jpg", "alt": "A red shoe, from the side"}]},
    },
    "ids": {
        "summary": "Another order, and one text cleared",
        "value": {"images": [{"id": 102}, {"id": 101, "alt": None}], "missing": "keep"},
    },
    "careful": {
        "summary": "All of it or nothing",
        "value": {
            "images": [
                {"sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
                {"src": "https://shop.example.com/red-2.jpg", "filename": "red shoe.jpg"},
            ],
            "on_error": "stop",
            "refetch": "never",
        },
    },
}


def _json(model: Any, description: str, example: Any) -> dict[str, Any]:
    content = {"application/json": {"example": example}}
    return {"model": model, "description": description, "content": content, "headers": ETAG}


GET_GALLERY: dict[str, Any] = dict(
    summary="A product's gallery as one list",
    responses={
        200: _json(GalleryBody, "The gallery.", {"images": [_IMAGE], "revision": 8}),
        **NOT_MODIFIED,
        **problems(),
    },
)

PUT_GALLERY: dict[str, Any] = dict(
    summary="Make a product's gallery what a list says",
    responses={
        200: _json(SyncedBody, "The gallery, and what came of each entry: also where some failed.", _SYNCED),
        **ACCEPTED,
        **problems(400, 403, 408, 409, 412, 413, 415, 507),
        **REFUSED,
    },
    openapi_extra={
        "parameters": [IDEMPOTENCY_KEY, PREFER],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": shared("GalleryInput", GalleryInput.model_json_schema()),
                    "examples": _LISTS,
                }
            },
        },
    },
)
