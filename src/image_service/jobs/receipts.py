"""Receipts: what was tried for one entry of a request, and its outcome."""

from typing import Any

from image_service.errors import GalleryFull, ImageServiceError, PictureRefused, PreconditionFailed

ADDED, FAILED, WAITING = "added", "failed", "waiting"  # WAITING: for a retry


def receipt(
    outcome: str, *, index: int = 0, id: int | None = None, reason: str | None = None, status: int | None = None
) -> dict[str, Any]:
    """A receipt as stored and shown. `reason` is a stable name, `status` is the host's."""
    return {"index": index, "id": id, "outcome": outcome, "reason": reason, "status": status}


def reason_of(error: ImageServiceError) -> str | None:
    """The reason of a final error that the request caused; None for any other error."""
    match error:
        case PictureRefused(reason=reason):
            return reason
        case GalleryFull():
            return "gallery_full"
        case PreconditionFailed():
            return "precondition_failed"
        case _:
            return None
