"""Renders a variant once for all requests that want it at the same time, and stores it under its URL's path."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import structlog

from image_service.database.database import Database
from image_service.errors import BlobNotFound, StorageUnavailable, VariantNotRendered
from image_service.images import queries
from image_service.images.queries import Image
from image_service.images.rendering.admission import Admission, Equals, Looks, UnderWay
from image_service.images.rendering.decoding import Decoding
from image_service.images.rendering.offered import Variant, variants_of
from image_service.images.rendering.placing import Placing
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import DRAWN, Format, rivals
from image_service.pixels.pool.costs import estimated_seconds
from image_service.pixels.pool.failures import RenderFailed
from image_service.pixels.pool.pool import PixelPool
from image_service.pixels.sizes import Offer, Size
from image_service.storage.base import Storage
from image_service.storage.lightest import Lightest
from image_service.storage.names import VariantName
from image_service.storage.staging import Staging
from image_service.telemetry import metrics

log = structlog.get_logger()

OWN_BYTES = 256 * 1024  # of a variant in the picture's own format, which is read to weigh others against it
FAILED_SECONDS = 60.0  # until a retry: a failure takes up to DRAW_SECONDS of a pixel process
MAX_FAILED = 20_000  # failures that are remembered; about 3 MB

for _format in DRAWN:
    metrics.DRAW_SECONDS.labels(_format)
    metrics.DRAWS_FAILED.labels(_format)
    metrics.AHEAD.labels(_format)


class Renderer:
    def __init__(
        self,
        database: Database,
        storage: Storage,
        staging: Staging,
        pixels: PixelPool,
        *,
        offer: Offer,
        draw_wait: float,
        max_bytes: int,
    ) -> None:
        """`max_bytes` of a variant: a larger one is not stored."""
        self._database = database
        self._storage = storage
        self._staging = staging
        self._offer = offer
        self._decoding = Decoding(storage, pixels, draw_wait, offer.draw_seconds)
        self._lightest = Lightest(storage)
        self._placing = Placing(database, storage, staging, max_bytes)
        self._under_way: dict[_Wanted, UnderWay] = {}
        self._admission = Admission(pixels, draw_wait)
        self._equals = Equals()
        self._failed: dict[Looks, float] = {}  # when it may be tried again

    def render(self, name: VariantName, instead: tuple[Format, ...]) -> Coroutine[Any, Any, VariantName]:
        """As `Variants.render`, for an offered size."""
        wanted = _Wanted(name, instead)
        self._require_turn(wanted)
        return self._render_once(wanted)

    async def close(self) -> None:
        """Wait for the running renders."""
        await asyncio.gather(*(render.task for render in self._under_way.values()), return_exceptions=True)

    async def _render_once(self, wanted: "_Wanted") -> VariantName:
        """A running render continues when its clients disconnect; a waiting one is cancelled."""
        self._require_turn(wanted)  # others may have begun since the call
        render = self._under_way.get(wanted)
        if render is None:
            arrive = self._decoding.shared.announced(wanted.name.key, Size.parse(wanted.name.size))
            render = self._under_way[wanted] = UnderWay(arrive)
            render.task = asyncio.create_task(self._render(wanted.name, wanted.instead, render))
            render.task.add_done_callback(lambda _: self._forget(wanted, render))
            render.task.add_done_callback(lambda _: render.arrive())
            render.task.add_done_callback(lambda done: done.cancelled() or done.exception())  # no client may be left
        render.askers += 1
        try:
            return await asyncio.shield(render.task)
        finally:
            render.askers -= 1
            if not render.askers and render.is_waiting:
                self._forget(wanted, render)  # the next request begins a new one
                render.task.cancel()

    def _require_turn(self, wanted: "_Wanted") -> None:
        """Assumes a cheap render: its cost is unknown."""
        if wanted not in self._under_way:
            self._admission.require_short_wait(wanted.name.store_id)

    def _forget(self, wanted: "_Wanted", render: UnderWay) -> None:
        if self._under_way.get(wanted) is render:
            del self._under_way[wanted]

    async def _render(self, name: VariantName, instead: tuple[Format, ...], render: UnderWay) -> VariantName:
        since = time.perf_counter()
        image = await queries.image_by_key(self._database, name.store_id, name.key)
        if image is None:
            raise BlobNotFound
        own = variants_of(image, replace(self._offer, sizes=(Size.parse(name.size),)))
        variant = next((each for each in own if each.name == name), None)
        if variant is None:  # another slug, or a format that cannot hold it
            raise BlobNotFound
        looks = Looks(name.key, variant.format, variant.width, variant.height)
        against = instead or rivals(variant.format, [each.format for each in own])
        names = [name.as_(each) for each in (variant.format, *against)]
        async with self._equals.alone(looks, render), self._staging.file() as target:
            if self._failed.get(looks, 0.0) > time.monotonic():
                raise VariantNotRendered("it failed a moment ago")
            try:
                copied = await self._copied(image, variant, names, fixed=not instead)
                if copied is not None:
                    return copied
                lightest = await self._rendered(image, variant, against, looks, target, render, fixed=not instead)
                drawn = name.as_(lightest) if instead else name
                await self._placing.put(drawn, target, names[: names.index(name.as_(lightest))])
            except BlobNotFound:  # deleted or replaced meanwhile
                self._decoding.forget(name.key)
                raise
            metrics.DRAW_SECONDS.labels(drawn.ext).observe(time.perf_counter() - since)
        return drawn

    async def _copied(
        self, image: Image, variant: Variant, names: Sequence[VariantName], *, fixed: bool
    ) -> VariantName | None:
        """Copy the variant from a stored size with equal dimensions: small pictures have many of those. Returns which
        of `names`.
        """
        for size in self._offer.sizes:
            if size != variant.size and size.fit(image.width, image.height) == (variant.width, variant.height):
                try:
                    marked = await self._lightest.heavier([replace(each, size=str(size)) for each in names])
                    heavier = [each for each in names if replace(each, size=str(size)) in marked]
                    copy = names[0] if fixed else next(each for each in names if each not in heavier)
                    async with self._storage.as_file(replace(copy, size=str(size)).blob) as kept:
                        await self._placing.put(copy, kept, heavier)
                except (BlobNotFound, StorageUnavailable):  # the second: removed during the copy
                    continue
                return copy
        return None

    async def _rendered(
        self,
        image: Image,
        variant: Variant,
        against: tuple[Format, ...],
        looks: Looks,
        target: Path,
        render: UnderWay,
        *,
        fixed: bool,
    ) -> Format:
        """Render to `target`; returns the lightest format."""
        size = variant.width, variant.height
        own = self._storage.read_nowait(variant.name.as_(against[-1]).blob, OWN_BYTES) if against else None
        own_bytes = None if own is None else own.size
        rendering = Rendering(image.format, variant.format, *size, image.frames, against, fixed, own_bytes)
        if not self._offer.may_weigh(rendering, image.width, image.height):
            rendering = replace(rendering, against=(), fixed=True)
        async with self._decoding.source_for(image, rendering, render) as source:
            sides = source.kept.pixels.upright if source.kept else (image.width, image.height)
            estimated = estimated_seconds(rendering, *sides)
            with self._admission.counted(image.store_id, estimated):
                try:
                    lightest = await self._decoding.render(
                        image, rendering, target, render, source=source, estimated=estimated
                    )
                    self._require_light(target)
                except BlobNotFound:
                    if await queries.image_by_key(self._database, image.store_id, image.key) is not None:
                        log.error("original missing", image=image.id, key=image.key)
                        raise StorageUnavailable("the original is missing") from None
                    raise
                except RenderFailed as failed:
                    await self._staging.require_room()  # a full disk is not the picture's fault
                    metrics.DRAWS_FAILED.labels(variant.format).inc()
                    if len(self._failed) >= MAX_FAILED:
                        self._failed.clear()
                    self._failed[looks] = time.monotonic() + FAILED_SECONDS
                    log.error("variant not rendered", variant=str(variant.name), reason=str(failed))
                    raise VariantNotRendered(str(failed)) from failed
        return lightest

    def _require_light(self, target: Path) -> None:
        if not self._placing.takes(target):
            raise RenderFailed(f"it has {target.stat().st_size} bytes")


class _Wanted(NamedTuple):
    name: VariantName
    instead: tuple[Format, ...]
