"""Receipts: what was tried for one entry of a request, and its outcome."""

from collections.abc import Sequence
from typing import Any

from image_service.errors import GalleryFull, ImageServiceError, PictureRefused, PreconditionFailed
from image_service.galleries.plan import Lost, Outcome, Receipt

# When several tries handled one entry, the outcome that comes last in this list is reported.
ASCENDING = (
    Outcome.FAILED,
    Outcome.UNCHANGED,
    Outcome.MOVED,
    Outcome.DESCRIBED,
    Outcome.REPLACED,
    Outcome.COPIED,
    Outcome.ADDED,
)


def receipt(
    outcome: Outcome, *, id: int | None = None, reason: str | None = None, status: int | None = None
) -> dict[str, Any]:
    """The receipt of a request's only entry, as stored and shown. `reason` is a stable name, `status` is the host's."""
    return Receipt(0, id, outcome, Lost(reason, status) if reason is not None else None).shown()


def waiting(reason: str, status: int | None) -> dict[str, Any]:
    """A `receipt` of a job that has failed for now, and waits for a retry."""
    return {**receipt(Outcome.FAILED, reason=reason, status=status), "outcome": "waiting"}


def merged(before: Sequence[dict[str, Any]], now: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Merge the receipts of this try with those of earlier tries. Receipts of removed images are added up."""
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
