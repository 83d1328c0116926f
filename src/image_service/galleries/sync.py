"""Makes a gallery match a list of images: plans, fetches, then changes it in one transaction or not at all.

A failing host never costs an entry its image. The transaction plans again on the rows it has locked: of several
concurrent syncs, the last to commit gets its whole list.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from image_service.database.direct import Transaction
from image_service.errors import Busy, DatabaseUnavailable, GalleryFull, ImageServiceError, SyncStopped
from image_service.galleries.entries import Entry, OnError, Refetch, Target, Wanted, source_of
from image_service.galleries.own_urls import Gone, image_named
from image_service.galleries.plan import Outcome, Plan, Receipt, planned, receipts_of
from image_service.galleries.questions import Answers, Resources, source_url
from image_service.images import galleries, image_rows, queries
from image_service.images.galleries import Expected
from image_service.images.library import writing
from image_service.images.queries import Gallery, Image, image_of
from image_service.images.syncing import sources
from image_service.images.syncing.arrange import Placed, arrange
from image_service.telemetry import metrics
from image_service.telemetry.metrics import Saved

log = structlog.get_logger()

TRIES = 10  # per operation, if concurrent changes conflict


@dataclass(frozen=True)
class Synced:
    """The current gallery and each entry's result; for a plan, the expected result."""

    gallery: Gallery
    receipts: tuple[Receipt, ...]


Keep = Callable[[Transaction, Synced], Awaitable[None]]
"""What else belongs into the transaction of the change: the answer that a repeat gets, the end of a job."""


class GallerySync:
    def __init__(self, resources: Resources, *, delivery_base: str, images_per_product: int, seconds: float) -> None:
        """`seconds`: for all fetches of a sync."""
        self._resources = resources
        self._database = resources.database
        self._delivery_base = delivery_base
        self._images_per_product = images_per_product
        self._seconds = seconds

    async def plan(self, store_id: int, product_id: int, wanted: Wanted, *, expected: Expected = None) -> Synced:
        """What `run` would do. Nothing is written, and no picture is fetched: known sources are asked whether they have
        changed. Raises as `run` does, except for errors that depend on fetched bytes.
        """
        answers = self._answers(store_id, wanted, is_plan=True)
        gallery = await self._gallery(store_id, product_id, expected)
        targets = await self._targets(store_id, wanted.entries, gallery)
        plan = planned(wanted, targets, gallery.images, answers.known)
        self._require_room(plan)
        if plan.questions:
            await answers.ask(plan.questions)
            plan = planned(wanted, targets, gallery.images, answers.known)
        _require_all(wanted, plan, gallery.revision)
        return Synced(gallery, receipts_of(plan))

    async def run(
        self, store_id: int, product_id: int, wanted: Wanted, *, expected: Expected = None, keep: Keep | None = None
    ) -> Synced:
        """Make the gallery match. A call that changes nothing writes nothing.

        Raises `PreconditionFailed`, before or after the fetches; `GalleryFull`; `SyncStopped`, with nothing changed,
        if an entry failed and `wanted` says to stop; what storage and database raise.
        """
        answers = self._answers(store_id, wanted)
        used: set[int] = set()
        try:
            synced = await self._run(store_id, product_id, wanted, expected, keep, answers, used)
        except DatabaseUnavailable:
            raise  # it may have committed: the bytes may have rows
        except ImageServiceError:
            await answers.discard(())
            raise
        await answers.discard(used)
        await self._remember(answers)
        for outcome, count in Counter(receipt.outcome for receipt in synced.receipts).items():
            metrics.SYNCED.labels(outcome).inc(count)
        return synced

    async def _run(
        self,
        store_id: int,
        product_id: int,
        wanted: Wanted,
        expected: Expected,
        keep: Keep | None,
        answers: Answers,
        used: set[int],
    ) -> Synced:
        targets: Sequence[Target] | None = None
        for _ in range(TRIES):
            gallery = await self._gallery(store_id, product_id, expected)
            if targets is None:
                targets = await self._targets(store_id, wanted.entries, gallery)
            plan = planned(wanted, targets, gallery.images, answers.known)
            self._require_room(plan)
            if plan.questions:
                await answers.ask(plan.questions)
                continue
            _require_all(wanted, plan, gallery.revision)
            if plan.changes_nothing:
                _count_saved(wanted, plan)
                synced = Synced(gallery, receipts_of(plan))
                if keep is not None:
                    async with writing(self._database) as transaction:
                        await keep(transaction, synced)
                return synced
            done = await self._commit(store_id, product_id, wanted, targets, expected, keep, answers)
            if done is not None:
                plan, synced = done
                used.update(step.target.index for step in plan.steps if step.outcome in _TAKES_BYTES)
                _count_saved(wanted, plan)
                changed = [step.image for step in plan.steps if step.outcome is Outcome.REPLACED and step.image]
                before = {image.key for image in gallery.images}
                self._resources.blobs.has_been_added(*(one for one in synced.gallery.images if one.key not in before))
                await self._resources.blobs.discard_variants(*changed, *plan.removed)
                return synced
        raise Busy("the gallery is being changed")

    async def _commit(
        self,
        store_id: int,
        product_id: int,
        wanted: Wanted,
        targets: Sequence[Target],
        expected: Expected,
        keep: Keep | None,
        answers: Answers,
    ) -> tuple[Plan, Synced] | None:
        """None: the gallery was changed meanwhile, so there are new questions or nothing to do."""
        async with writing(self._database) as transaction:
            revision = await galleries.lock(transaction, store_id, product_id, expected)
            rows = {row.id: row for row in await image_rows.lock_all(transaction, store_id, product_id)}
            before = sorted((image_of(row, revision - 1) for row in rows.values()), key=_position)
            plan = planned(wanted, targets, before, answers.known)
            if plan.questions or plan.changes_nothing:
                transaction.void()
                return None
            self._require_room(plan)
            _require_all(wanted, plan, revision - 1)
            placed = [
                *(
                    Placed(
                        step.position,
                        step.image.id if step.image else None,
                        answers.stored[step.target.index] if step.outcome in _TAKES_BYTES else None,
                        step.target.alt,
                    )
                    for step in plan.steps
                    if step.position is not None
                ),
                *(Placed(at, image.id, is_asked_for=False) for image, at in plan.others),
            ]
            ids = await arrange(transaction, store_id, product_id, rows, placed, [image.id for image in plan.removed])
            by_position = {each.position: image_id for each, image_id in zip(placed, ids, strict=True)}
            made = {step.target.index: by_position[step.position] for step in plan.steps if step.position is not None}
            after = await image_rows.lock_all(transaction, store_id, product_id)
            images = sorted((image_of(row, revision) for row in after), key=_position)
            synced = Synced(Gallery(revision, tuple(images)), receipts_of(plan, made))
            if keep is not None:
                await keep(transaction, synced)
        return plan, synced

    def _answers(self, store_id: int, wanted: Wanted, *, is_plan: bool = False) -> Answers:
        deadline = asyncio.get_running_loop().time() + self._seconds
        return Answers(self._resources, store_id, wanted.refetch, deadline, is_plan)

    async def _gallery(self, store_id: int, product_id: int, expected: Expected) -> Gallery:
        gallery = await queries.gallery(self._database, store_id, product_id)
        galleries.require(expected, gallery.revision)
        return gallery

    async def _targets(self, store_id: int, entries: Sequence[Entry], gallery: Gallery) -> list[Target]:
        here = {source_of(image.source_url) for image in gallery.images if image.source_url}
        return [await self._target(store_id, index, entry, here) for index, entry in enumerate(entries)]

    async def _target(self, store_id: int, index: int, entry: Entry, here: set[object]) -> Target:
        if entry.src is None:
            return Target(index, entry.alt, id=entry.id, sha256=entry.sha256)
        url = source_url(entry.src)
        if source_of(url) not in here:  # else it was fetched before, and is not our URL
            try:
                image = await image_named(self._database, self._delivery_base, store_id, entry.src)
            except Gone as gone:
                return Target(index, entry.alt, gone=gone.reason, former=gone.image_id)
            if image is not None:
                return Target(index, entry.alt, named=(image.id, image.key), sha256=image.sha256)
        return Target(index, entry.alt, url=url, filename=entry.filename)

    def _require_room(self, plan: Plan) -> None:
        if plan.count > self._images_per_product:
            raise GalleryFull(self._images_per_product)

    async def _remember(self, answers: Answers) -> None:
        """Store new validators of unchanged pictures: the next sync need not download them. A failure costs that alone:
        the gallery's change is committed."""
        try:
            for image_id, (key, validators) in answers.renamed.items():
                await sources.keep_of_live(self._database, image_id, UUID(key), validators)
        except DatabaseUnavailable as error:
            log.warning("validators of sources not kept", count=len(answers.renamed), reason=str(error))


_TAKES_BYTES = (Outcome.ADDED, Outcome.REPLACED, Outcome.COPIED)


def _position(image: Image) -> int:
    return image.position or 0


def _require_all(wanted: Wanted, plan: Plan, revision: int) -> None:
    if wanted.on_error is OnError.STOP and plan.has_failed:
        raise SyncStopped(receipts_of(plan), revision)


def _count_saved(wanted: Wanted, plan: Plan) -> None:
    if wanted.refetch is Refetch.NEVER:
        saved = sum(step.image is not None and step.target.url is not None for step in plan.steps)
        metrics.SYNC_SAVED.labels(Saved.NOT_ASKED).inc(saved)
