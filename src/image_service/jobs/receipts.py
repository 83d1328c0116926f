"""Receipts: what was tried for one entry of what was asked for, and what came of it."""

from typing import Any

from image_service.errors import GalleryFull, ImageServiceError, PictureRefused, PreconditionFailed

ADDED, FAILED, WAITING = "added", "failed", "waiting"  # the last: for another try


def receipt(
    outcome: str, *, index: int = 0, id: int | None = None, reason: str | None = None, status: int | None = None
) -> dict[str, Any]:
    """As it is kept and shown. `reason` is a stable name, `status` what a host has answered."""
    return {"index": index, "id": id, "outcome": outcome, "reason": reason, "status": status}


def reason_of(error: ImageServiceError) -> str | None:
    """Why nothing will come of it, for an error that is the request's own; None for any other."""
    match error:
        case PictureRefused(reason=reason):
            return reason
        case GalleryFull():
            return "gallery_full"
        case PreconditionFailed():
            return "precondition_failed"
        case _:
            return None
