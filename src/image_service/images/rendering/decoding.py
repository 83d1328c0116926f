"""Renders a variant from kept pixels, else from the original, whose pixels are then kept."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from image_service.errors import Busy
from image_service.images.queries import Image
from image_service.images.rendering.render_queue import UnderWay
from image_service.images.rendering.together import Together
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format, Kept, Pixels
from image_service.pixels.pool.failures import RenderFailed, RenderTooLong
from image_service.pixels.pool.kept import KeptPixels, serves
from image_service.pixels.pool.pool import PixelPool
from image_service.pixels.sizes import SRC_SIZE
from image_service.storage.base import Storage
from image_service.storage.names import original_name
from image_service.telemetry import metrics
from image_service.telemetry.metrics import Hit


class Decoding:
    def __init__(self, storage: Storage, pixels: PixelPool, draw_wait: float, draw_seconds: float) -> None:
        self.together = Together(storage, pixels, draw_wait, draw_seconds)
        self._storage = storage
        self._pixels = pixels
        self._draw_wait = draw_wait
        self._firsts: dict[str, asyncio.Event] = {}  # renders whose pixels will be kept, by key

    @asynccontextmanager
    async def kept_for(self, image: Image, rendering: Rendering, under_way: UnderWay) -> AsyncIterator[Kept | None]:
        """For the time of the render: yields kept pixels that are as good as the original, or None. Of several sizes
        requested at once, the first decodes, and the others wait for its pixels.
        """
        if self._pixels.kept is None or rendering.original is not Format.JPG:
            yield None
            return
        kept = self._found(self._pixels.kept, image, rendering)
        if kept is None and self._cache_for(image, rendering) is not None:
            if (first := self._firsts.get(image.key)) is None:
                with self._first(image.key):
                    metrics.KEPT_PIXELS.labels(Hit.MISS).inc()
                    yield None
                return
            under_way.is_waiting = True
            under_way.arrive()
            try:
                await first.wait()
            finally:
                under_way.is_waiting = False
            kept = self._found(self._pixels.kept, image, rendering)
        metrics.KEPT_PIXELS.labels(Hit.HIT if kept else Hit.MISS).inc()
        yield kept

    def _found(self, cache: KeptPixels, image: Image, rendering: Rendering) -> Kept | None:
        kept = cache.find(image.key)
        sides = (image.width, image.height)
        return kept if kept and serves(kept.pixels, sides, (rendering.width, rendering.height)) else None

    @contextmanager
    def _first(self, key: str) -> Iterator[None]:
        done = self._firsts[key] = asyncio.Event()
        try:
            yield
        finally:
            del self._firsts[key]
            done.set()

    async def render(
        self,
        image: Image,
        rendering: Rendering,
        target: Path,
        under_way: UnderWay,
        *,
        kept: Kept | None,
        estimated: float,
    ) -> Format:
        """Render; returns the lightest of the formats. That is the rendered one, unless it is `fixed`.

        Raises `BlobNotFound`, `Busy`, `RenderFailed`, `StorageUnavailable`."""

        formats = [rendering.format]

        async def run(source: Path, pixels: Pixels | None = None, keep: Path | None = None) -> Pixels | None:
            under_way.is_waiting = True
            if not under_way.askers:
                raise Busy("no client waits for it any more")
            return await self._pixels.render(
                source,
                target,
                rendering,
                wait=self._draw_wait,
                estimated=estimated,
                owner=image.store_id,
                begun=under_way.begin,
                pixels=pixels,
                keep=keep,
                lightest=formats.append,
            )

        if kept is not None:
            under_way.arrive()
            try:
                await run(kept.path, kept.pixels)
            except RenderTooLong:  # the original would too
                raise
            except RenderFailed:  # the pixels were just dropped, or are unusable
                self.forget(image.key)
            else:
                return formats[-1]
        cache = self._cache_for(image, rendering)
        if cache is None and self.together.takes(rendering):
            lightest = await self.together.render(image, rendering, target, under_way, estimated)
            if lightest is not None:
                return lightest
        under_way.arrive()
        async with self._storage.as_file(original_name(image.key)) as original:
            if cache is None:
                await run(original)
                return formats[-1]
            keep = cache.new()
            try:
                pixels = await run(original, keep=keep)
                if pixels is not None:
                    await cache.adopt(Kept(keep, pixels), image.key)
            finally:
                cache.discard(keep)
        return formats[-1]

    def forget(self, key: str) -> None:
        if self._pixels.kept is not None:
            self._pixels.kept.drop([key])

    def _cache_for(self, image: Image, rendering: Rendering) -> KeptPixels | None:
        """Pixels are kept if decoded for `SRC_SIZE`, which a shop shows first, or for a smaller size; not again if they
        are kept, and too few for this size.
        """
        cache, (most, _) = self._pixels.kept, SRC_SIZE.fit(image.width, image.height)
        if cache is None or rendering.original is not Format.JPG or rendering.width > most:
            return None
        return cache if cache.find(image.key) is None and cache.has_room() else None
