"""Renders the variants that `EAGER_SIZES` and `EAGER_FORMATS` name before a client asks, when the service is idle.

A pixel process of its own does it, at the lowest CPU priority and only while no upload and no client needs a pixel
process, so neither ever waits for it. All variants of an image come from one decode, mostly that of its check.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from image_service.database.database import Database
from image_service.errors import BlobNotFound, ImageServiceError
from image_service.images import queries
from image_service.images.queries import Image
from image_service.images.rendering.offered import Variant, variants_of
from image_service.images.rendering.placing import Placing
from image_service.images.rendering.render_queue import RenderQueue
from image_service.pixels.messages import MAX_FAMILY, MAX_PIXELS, Rendering
from image_service.pixels.picture import Format, Pixels, rivals
from image_service.pixels.pool.pool import Family, PixelPool
from image_service.pixels.sizes import Offer
from image_service.storage.base import Storage
from image_service.storage.names import VariantName, original_name
from image_service.storage.staging import Staging
from image_service.telemetry import metrics
from image_service.telemetry.metrics import NotAhead

log = structlog.get_logger()


@dataclass(frozen=True)
class One:
    """Rendered once and stored under each name: sizes with equal dimensions."""

    rendering: Rendering
    names: tuple[VariantName, ...]

    @property
    def formats(self) -> tuple[Format, ...]:
        """Its own, and those that it is compared with."""
        return self.rendering.format, *self.rendering.against


class Ahead:
    def __init__(
        self,
        database: Database,
        storage: Storage,
        staging: Staging,
        *,
        queue: RenderQueue,
        pixels: PixelPool,
        own: PixelPool,
        offer: Offer,
        formats: Sequence[Format],
        effort: int,
        max_bytes: int,
    ) -> None:
        """Renders `formats` of `offer`, AVIF with `effort`. `own` pixel processes render while `pixels` is idle."""
        self._database = database
        self._storage = storage
        self._staging = staging
        self._queue = queue
        self._pixels = pixels
        self._own = own
        self._kept = pixels.kept
        self._offer = offer
        self._formats = frozenset(formats)
        self._effort = effort
        self._placing = Placing(database, storage, staging, max_bytes)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs until the block ends; unfinished renders are lost."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._queue.clear()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            await self._queue.wait()
            await self._pixels.idle.wait()
            if (image := self._queue.take()) is None:
                continue  # deleted meanwhile
            try:
                await self._render(image)
            except BlobNotFound:
                metrics.NOT_AHEAD.labels(NotAhead.GONE).inc()
            except ImageServiceError as error:  # a client's request renders it, or fails
                metrics.NOT_AHEAD.labels(NotAhead.FAILED).inc()
                log.warning("not rendered ahead", image=image.id, key=image.key, reason=str(error))
            except Exception:  # the other images must still be rendered
                metrics.NOT_AHEAD.labels(NotAhead.FAILED).inc()
                log.exception("not rendered ahead", image=image.id, key=image.key)

    async def _render(self, image: Image) -> None:
        """Raises `BlobNotFound` if it has been deleted, or has new bytes."""
        if await queries.image_by_key(self._database, image.store_id, image.key) is None:
            raise BlobNotFound
        wanted = await self._wanted(image)
        for at in range(0, len(wanted), MAX_FAMILY):
            await self._rendered(image, wanted[at : at + MAX_FAMILY])

    async def _wanted(self, image: Image) -> list[One]:
        """What is not stored yet, ordered by dimensions, largest first."""
        found: dict[Rendering, list[VariantName]] = {}
        variants = variants_of(image, self._offer)
        for each in variants:
            is_light = each.width * each.height <= MAX_PIXELS
            if each.format in self._formats and is_light and not await self._storage.exists(each.name.blob):
                found.setdefault(self._rendering(image, each, variants), []).append(each.name)
        ones = [One(rendering, tuple(names)) for rendering, names in found.items()]
        return sorted(ones, key=lambda one: (one.rendering.width, one.rendering.height), reverse=True)

    def _rendering(self, image: Image, variant: Variant, variants: Sequence[Variant]) -> Rendering:
        offered = [each.format for each in variants if each.size == variant.size]
        against = rivals(variant.format, offered)
        size = variant.width, variant.height
        return Rendering(image.format, variant.format, *size, image.frames, against, effort=self._effort)

    async def _rendered(self, image: Image, family: Sequence[One]) -> None:
        async with AsyncExitStack() as stack:
            targets = [await stack.enter_async_context(self._staging.file()) for _ in family]
            renderings = [one.rendering for one in family]
            lightest = await self._drawn(image, targets, renderings)
            for one, target, best in zip(family, targets, lightest, strict=True):
                await self._keep(one, target, best)

    async def _drawn(
        self, image: Image, targets: Sequence[Path], renderings: Sequence[Rendering]
    ) -> tuple[Format, ...]:
        async def draw(path: Path, pixels: Pixels | None = None) -> tuple[Format, ...]:
            family = Family(targets, renderings)
            return await self._own.render_family(path, lambda: family, wait=self._offer.draw_seconds, pixels=pixels)

        if self._kept is not None:
            wanted = [(each.width, each.height) for each in renderings]
            kept = self._kept.serving(image.key, (image.width, image.height), *wanted)
            if kept is not None and (drawn := await self._kept.drawn(image.key, kept, draw)) is not None:
                return drawn
        async with self._storage.as_file(original_name(image.key)) as original:
            return await draw(original)

    async def _keep(self, one: One, target: Path, lightest: Format) -> None:
        """Store it as a requested render does. A variant that a request has stored meanwhile stays as it is.

        Raises `BlobNotFound` if the image was deleted or replaced meanwhile.
        """
        if not self._placing.takes(target):
            return
        heavier = one.formats[: one.formats.index(lightest)]
        for name in one.names:
            if await self._placing.put(name, target, [name.as_(each) for each in heavier]):
                metrics.AHEAD.labels(one.rendering.format).inc()
