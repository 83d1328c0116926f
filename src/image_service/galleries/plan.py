"""Plans changes from a list, a gallery, and the answers so far. Pure: the same for a dry run, for the run, and for the
run's transaction, which sees concurrent changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from image_service.galleries.entries import Missing, Refetch, Target, Wanted
from image_service.galleries.matching import matched
from image_service.images.library import UNCHANGED
from image_service.images.queries import Image
from image_service.telemetry import metrics

NO_SUCH_IMAGE = "image_not_found"  # or another product's
NO_SUCH_BYTES = "sha256_not_found"


class Outcome(StrEnum):
    UNCHANGED = "unchanged"
    MOVED = "moved"  # to another position
    DESCRIBED = "described"  # and perhaps moved
    ADDED = "added"
    REPLACED = "replaced"  # has new bytes; and perhaps moved, described
    COPIED = "copied"  # made of another image's bytes
    REMOVED = "removed"
    FAILED = "failed"  # its image stays
    FETCH = "fetch"  # only in a plan: depends on bytes


for _outcome in Outcome:
    if _outcome is not Outcome.FETCH:
        metrics.SYNCED.labels(_outcome)


# --- what is known of the bytes that an entry names ---


@dataclass(frozen=True)
class Same:
    """Equal to the image's bytes with this SHA-256."""

    sha256: str


@dataclass(frozen=True)
class Here:
    """The bytes were received, checked and stored."""

    sha256: str


@dataclass(frozen=True)
class Later:
    """In a plan: bytes to be fetched."""


@dataclass(frozen=True)
class Lost:
    """Unavailable bytes."""

    reason: str
    status: int | None = None  # HTTP status
    retry_after: float | None = None  # seconds, as the host says


Answer = Same | Here | Later | Lost


@dataclass(frozen=True)
class Question:
    """Must be answered before the plan is complete."""

    target: Target
    image: Image | None  # which may have the source's bytes


@dataclass(frozen=True)
class Step:
    """The plan for one entry."""

    target: Target
    outcome: Outcome
    image: Image | None = None  # the matched one
    position: int | None = None  # None: the entry gets no image
    lost: Lost | None = None  # why it failed

    @property
    def describes(self) -> bool:
        """Its image gets a new `alt`."""
        return self.image is not None and self.target.alt is not UNCHANGED and self.target.alt != self.image.alt


@dataclass(frozen=True)
class Plan:
    steps: tuple[Step, ...]  # one an entry, in their order
    others: tuple[tuple[Image, int], ...]  # kept without an entry, and positions
    removed: tuple[Image, ...]
    questions: tuple[Question, ...]  # to be answered before any change

    @property
    def count(self) -> int:
        """Resulting images."""
        return len(self.others) + sum(step.position is not None for step in self.steps)

    @property
    def has_failed(self) -> bool:
        return any(step.outcome is Outcome.FAILED for step in self.steps)

    @property
    def changes_nothing(self) -> bool:
        stays = all(step.image is None or step.image.position == step.position for step in self.steps)
        makes = any(step.outcome in _MAKES or step.describes for step in self.steps)
        return stays and not makes and not self.removed and all(each.position == at for each, at in self.others)


_MAKES = (Outcome.ADDED, Outcome.COPIED, Outcome.REPLACED, Outcome.FETCH)


def planned(wanted: Wanted, targets: Sequence[Target], images: Sequence[Image], answers: Mapping[int, Answer]) -> Plan:
    """`images` by position; `answers` by the entry's index."""
    named = matched(targets, images)
    questions: list[Question] = []
    steps: list[Step] = []
    at = 0
    for target in targets:
        image, answer = named.get(target.index), answers.get(target.index)
        if _is_open(target, image, answer, wanted.refetch):
            questions.append(Question(target, image))
            answer = Later()
        step = _step(target, image, answer, wanted.refetch)
        if step.image is not None or step.outcome is not Outcome.FAILED:
            at += 1
            step = _placed(step, at)
        steps.append(step)
    taken = {image.id for image in named.values()}
    rest = [image for image in images if image.id not in taken]
    # An entry names a deleted image of ours: any remaining image may be its copy, so none is removed.
    is_unknown = any(step.target.gone is not None and step.image is None for step in steps)
    keeps = wanted.missing is Missing.KEEP or is_unknown
    others = tuple((image, at + number) for number, image in enumerate(rest, 1)) if keeps else ()
    return Plan(tuple(steps), others, () if keeps else tuple(rest), tuple(questions))


def _is_open(target: Target, image: Image | None, answer: Answer | None, refetch: Refetch) -> bool:
    """Whether an entry has an open question."""
    if target.gone is not None or target.id is not None:
        return False
    if target.url is None:
        return image is None and answer is None
    if image is not None and refetch is Refetch.NEVER:
        return False
    if isinstance(answer, Same):
        return image is None or image.sha256 != answer.sha256  # its image has changed
    return answer is None


def _step(target: Target, image: Image | None, answer: Answer | None, refetch: Refetch) -> Step:
    """Without a position yet; the outcome of a kept image is `unchanged`."""
    if target.gone is not None:
        return Step(target, Outcome.FAILED, image, lost=Lost(target.gone))
    if image is not None and (target.url is None or refetch is Refetch.NEVER):
        return Step(target, Outcome.UNCHANGED, image)
    match answer:
        case Lost():
            return Step(target, Outcome.FAILED, image, lost=answer)
        case Later():
            return Step(target, Outcome.FETCH, image)
        case Here(sha256=sha256) if image is None or image.sha256 != sha256:
            made = Outcome.REPLACED if image is not None else Outcome.ADDED if target.url else Outcome.COPIED
            return Step(target, made, image)
        case None:
            return Step(target, Outcome.FAILED, lost=Lost(NO_SUCH_IMAGE))
    return Step(target, Outcome.UNCHANGED, image)


def _placed(step: Step, position: int) -> Step:
    outcome = step.outcome
    if outcome is Outcome.UNCHANGED and step.image is not None:
        outcome = Outcome.MOVED if step.image.position != position else outcome
        outcome = Outcome.DESCRIBED if step.describes else outcome
    return replace(step, position=position, outcome=outcome)


# --- results ---


@dataclass(frozen=True)
class Receipt:
    """Result for an entry; without `index`, for an image without an entry."""

    index: int | None
    id: int | None
    outcome: Outcome
    lost: Lost | None = None

    def shown(self) -> dict[str, Any]:
        """As stored and sent."""
        return {
            "index": self.index,
            "id": self.id,
            "outcome": str(self.outcome),
            "reason": self.lost.reason if self.lost else None,
            "status": self.lost.status if self.lost else None,
        }


def receipts_of(plan: Plan, made: Mapping[int, int] | None = None) -> tuple[Receipt, ...]:
    """`made`: the ids of new images, by the entry's index."""
    of_entries = [
        Receipt(
            step.target.index,
            step.image.id if step.image else (made or {}).get(step.target.index),
            step.outcome,
            step.lost,
        )
        for step in plan.steps
    ]
    return (*of_entries, *(Receipt(None, image.id, Outcome.REMOVED) for image in plan.removed))
