"""Receipts: what was tried for one entry of a request, and its outcome."""

from collections.abc import Sequence
from typing import Any

from image_service.errors import GalleryFull, ImageServiceError, PictureRefused, PreconditionFailed

ADDED, FAILED, WAITING = "added", "failed", "waiting"  # WAITING: for a retry
# Of an entry that several tries have dealt with, the outcome that counts is the last of these.
ASCENDING = (FAILED, "unchanged", "moved", "described", "replaced", "copied", ADDED)


def receipt(
    outcome: str, *, index: int = 0, id: int | None = None, reason: str | None = None, status: int | None = None
) -> dict[str, Any]:
    """A receipt as stored and shown. `reason` is a stable name, `status` is the host's."""
    return {"index": index, "id": id, "outcome": outcome, "reason": reason, "status": status}


def merged(before: Sequence[dict[str, Any]], now: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The receipts of a try and of those before it: what each has done to an entry, and all that they have removed."""
    done = {each["index"]: each for each in before if each["index"] is not None}
    entries = [
        max(each, done.get(each["index"], each), key=lambda one: ASCENDING.index(one["outcome"]))
        for each in now
        if each["index"] is not None
    ]
    return [*entries, *(each for each in (*before, *now) if each["index"] is None)]


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
