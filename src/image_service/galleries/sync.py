"""Makes a gallery match a list of images: plans, fetches, then changes it in one transaction or not at all.

A failing host never costs an entry its image. The transaction plans again on the rows it has locked: of several
concurrent syncs, the last to commit gets its whole list.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from image_service.database.direct import Row, Transaction
from image_service.errors import Busy, DatabaseUnavailable, GalleryFull, ImageServiceError, SyncStopped
from image_service.galleries.entries import Entry, OnError, Refetch, Target, Wanted, source_of
from image_service.galleries.own_urls import Gone, image_named
from image_service.galleries.plan import Outcome, Plan, Receipt, planned, receipts_of
from image_service.galleries.questions import Answers, Resources
from image_service.images import galleries, image_rows, queries
from image_service.images.galleries import Expected
from image_service.images.queries import Gallery, Image, image_of
from image_service.images.syncing import sources
from image_service.images.syncing.arrange import Placed, arrange
from image_service.ingest.fetch_url import absolute
from image_service.stores.changes import changes
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
"""Extra writes in the same transaction: the answer that a repeat gets, the end of a job."""


@dataclass(frozen=True)
class GallerySync:
    resources: Resources
    delivery_base: str
    images_per_product: int
    seconds: float  # for all fetches of a sync

    async def plan(self, store_id: int, product_id: int, wanted: Wanted, *, expected: Expected = None) -> Synced:
        """What `run` would do. Nothing is written, and no picture is fetched: known sources are asked whether they have
        changed. Raises as `run` does, except for errors that depend on fetched bytes.
        """
        return await _Run(self, store_id, product_id, wanted, expected, is_plan=True).plan()

    async def run(
        self, store_id: int, product_id: int, wanted: Wanted, *, expected: Expected = None, keep: Keep | None = None
    ) -> Synced:
        """Make the gallery match. A call that changes nothing writes nothing.

        Raises `PreconditionFailed`, before or after the fetches; `GalleryFull`; `SyncStopped`, with nothing changed,
        if an entry failed and `wanted` says to stop; what storage and database raise.
        """
        return await _Run(self, store_id, product_id, wanted, expected, keep).run()


class _Run:
    """One call of `plan` or `run`."""

    def __init__(
        self,
        sync: GallerySync,
        store_id: int,
        product_id: int,
        wanted: Wanted,
        expected: Expected,
        keep: Keep | None = None,
        *,
        is_plan: bool = False,
    ) -> None:
        self._sync = sync
        self._blobs = sync.resources.blobs
        self._database = sync.resources.database
        self._store_id = store_id
        self._product_id = product_id
        self._wanted = wanted
        self._expected = expected
        self._keep = keep
        deadline = asyncio.get_running_loop().time() + sync.seconds
        self._answers = Answers(sync.resources, store_id, wanted.refetch, deadline, is_plan)
        self._targets: list[Target] = []

    async def plan(self) -> Synced:
        gallery = await self._gallery()
        await self._resolve(gallery)
        plan = self._planned(gallery.images)
        if plan.questions:
            await self._answers.ask(plan.questions)
            plan = self._planned(gallery.images)
        self._require_all(plan, gallery.revision)
        return Synced(gallery, receipts_of(plan))

    async def run(self) -> Synced:
        try:
            plan, synced = await self._change()
        except DatabaseUnavailable:
            raise  # it may have committed: the bytes may have rows
        except ImageServiceError:
            await self._answers.discard(())
            raise
        await self._answers.discard({step.target.index for step in plan.steps if step.outcome in _TAKES_BYTES})
        await self._remember()
        self._count(plan, synced)
        return synced

    async def _change(self) -> tuple[Plan, Synced]:
        for attempt in range(TRIES):
            gallery = await self._gallery()
            if attempt == 0:
                await self._resolve(gallery)
            plan = self._planned(gallery.images)
            if plan.questions:
                await self._answers.ask(plan.questions)
                continue
            self._require_all(plan, gallery.revision)
            if plan.changes_nothing:
                synced = Synced(gallery, receipts_of(plan))
                if self._keep is not None:
                    async with changes(self._database) as transaction:
                        await self._keep(transaction, synced)
                return plan, synced
            if (done := await self._commit()) is not None:
                plan, synced = done
                before = {image.key for image in gallery.images}
                self._blobs.has_been_added(*(image for image in synced.gallery.images if image.key not in before))
                changed = [step.image for step in plan.steps if step.outcome is Outcome.REPLACED and step.image]
                await self._blobs.discard_variants(*changed, *plan.removed)
                return plan, synced
        raise Busy("the gallery is being changed")

    async def _commit(self) -> tuple[Plan, Synced] | None:
        """None: the gallery was changed meanwhile, so there are new questions or nothing to do."""
        gallery_of = self._store_id, self._product_id
        async with changes(self._database) as transaction:
            revision = await galleries.lock(transaction, *gallery_of, self._expected)
            rows = {row.id: row for row in await image_rows.lock_all(transaction, *gallery_of)}
            plan = self._planned(_in_order(rows.values(), revision - 1))
            if plan.questions or plan.changes_nothing:
                transaction.void()
                return None
            self._require_all(plan, revision - 1)
            placed = self._placed(plan)
            ids = await arrange(transaction, *gallery_of, rows, placed, [image.id for image in plan.removed])
            by_position = {each.position: image_id for each, image_id in zip(placed, ids, strict=True)}
            made = {step.target.index: by_position[step.position] for step in plan.steps if step.position is not None}
            after = await image_rows.lock_all(transaction, *gallery_of)
            synced = Synced(Gallery(revision, _in_order(after, revision)), receipts_of(plan, made))
            if self._keep is not None:
                await self._keep(transaction, synced)
        return plan, synced

    def _planned(self, images: Sequence[Image]) -> Plan:
        """Raises `GalleryFull`."""
        plan = planned(self._wanted, self._targets, images, self._answers.known)
        if plan.count > self._sync.images_per_product:
            raise GalleryFull(self._sync.images_per_product)
        return plan

    def _placed(self, plan: Plan) -> list[Placed]:
        of_entries = [
            Placed(
                step.position,
                step.image.id if step.image else None,
                self._answers.stored[step.target.index] if step.outcome in _TAKES_BYTES else None,
                step.target.alt,
            )
            for step in plan.steps
            if step.position is not None
        ]
        return [*of_entries, *(Placed(at, image.id, is_asked_for=False) for image, at in plan.others)]

    def _require_all(self, plan: Plan, revision: int) -> None:
        if self._wanted.on_error is OnError.STOP and plan.has_failed:
            raise SyncStopped(receipts_of(plan), revision)

    async def _gallery(self) -> Gallery:
        gallery = await queries.gallery(self._database, self._store_id, self._product_id)
        galleries.require(self._expected, gallery.revision)
        return gallery

    async def _resolve(self, gallery: Gallery) -> None:
        """Find out what the entries name. Once: a URL of ours keeps its meaning while the gallery changes."""
        here = {source_of(image.source_url) for image in gallery.images if image.source_url}
        self._targets = [await self._target(at, entry, here) for at, entry in enumerate(self._wanted.entries)]

    async def _target(self, index: int, entry: Entry, here: set[Hashable]) -> Target:
        if entry.src is None:
            return Target(index, entry.alt, id=entry.id, sha256=entry.sha256)
        url = absolute(entry.src)
        if source_of(url) not in here:  # else it was fetched before, and is not our URL
            try:
                image = await image_named(self._database, self._sync.delivery_base, self._store_id, entry.src)
            except Gone as gone:
                return Target(index, entry.alt, gone=gone.reason, former=gone.image_id)
            if image is not None:
                return Target(index, entry.alt, named=(image.id, image.key), sha256=image.sha256)
        return Target(index, entry.alt, url=url, filename=entry.filename)

    async def _remember(self) -> None:
        """Store new validators of unchanged pictures: the next sync need not download them. A failure costs that alone:
        the gallery's change is committed."""
        renamed = self._answers.renamed
        try:
            for image_id, (key, validators) in renamed.items():
                await sources.keep_of_live(self._database, image_id, UUID(key), validators)
        except DatabaseUnavailable as error:
            log.warning("validators of sources not kept", count=len(renamed), reason=str(error))

    def _count(self, plan: Plan, synced: Synced) -> None:
        if self._wanted.refetch is Refetch.NEVER:
            saved = sum(step.image is not None and step.target.url is not None for step in plan.steps)
            metrics.SYNC_SAVED.labels(Saved.NOT_ASKED).inc(saved)
        for outcome, count in Counter(receipt.outcome for receipt in synced.receipts).items():
            metrics.SYNCED.labels(outcome).inc(count)


_TAKES_BYTES = (Outcome.ADDED, Outcome.REPLACED, Outcome.COPIED)


def _in_order(rows: Iterable[Row], revision: int) -> tuple[Image, ...]:
    return tuple(sorted((image_of(row, revision) for row in rows), key=lambda image: image.position or 0))
