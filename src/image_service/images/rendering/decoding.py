"""Renders a variant from kept pixels, else from the original, whose pixels are then kept."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from image_service.errors import Busy
from image_service.images.queries import Image
from image_service.images.rendering.admission import UnderWay
from image_service.images.rendering.shared_renders import SharedRenders
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format, Kept, Pixels
from image_service.pixels.pool.kept import KeptPixels
from image_service.pixels.pool.pool import PixelPool
from image_service.pixels.sizes import SRC_SIZE
from image_service.storage.base import Storage
from image_service.storage.names import original_name
from image_service.telemetry import metrics
from image_service.telemetry.metrics import Hit


@dataclass(frozen=True)
class Source:
    """What a render begins with."""

    kept: Kept | None = None
    """Pixels that are as good as the original."""
    keeps: bool = False
    """Whether the original's pixels are kept once they are decoded."""


class Decoding:
    def __init__(self, storage: Storage, pixels: PixelPool, draw_wait: float, draw_seconds: float) -> None:
        self.shared = SharedRenders(storage, pixels, draw_wait, draw_seconds)
        self._storage = storage
        self._pixels = pixels
        self._cache = pixels.kept
        self._draw_wait = draw_wait
        self._firsts: dict[str, asyncio.Event] = {}  # renders whose pixels will be kept, by key

    @asynccontextmanager
    async def source_for(self, image: Image, rendering: Rendering, under_way: UnderWay) -> AsyncIterator[Source]:
        """Yield the source, for the time of the render. Of several sizes requested at once, the first decodes, and the
        others wait for its pixels. Where it keeps none, or a larger size takes a decode anyway, one decode is for all.
        """
        if self._cache is None or rendering.original is not Format.JPG:
            yield Source()
            return
        kept = self._found(self._cache, image, rendering)
        if kept is None and self._keeps(self._cache, image, rendering) and not self.shared.decodes(image.key):
            if (first := self._firsts.get(image.key)) is None:
                with self._first(image.key):
                    metrics.KEPT_PIXELS.labels(Hit.MISS).inc()
                    yield Source(keeps=True)
                return
            under_way.is_waiting = True
            under_way.arrive()
            try:
                await first.wait()
            finally:
                under_way.is_waiting = False
            kept = self._found(self._cache, image, rendering)
        metrics.KEPT_PIXELS.labels(Hit.HIT if kept else Hit.MISS).inc()
        yield Source(kept)

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
        source: Source,
        estimated: float,
    ) -> Format:
        """Render; returns the lightest of the formats. That is the rendered one, unless it is `fixed`.

        Raises `BlobNotFound`, `Busy`, `RenderFailed`, `StorageUnavailable`.
        """

        async def draw(
            path: Path, pixels: Pixels | None = None, keep: Path | None = None
        ) -> tuple[Format, Pixels | None]:
            under_way.is_waiting = True
            if not under_way.askers:
                raise Busy("no client waits for it any more")
            return await self._pixels.render(
                path,
                target,
                rendering,
                wait=self._draw_wait,
                estimated=estimated,
                owner=image.store_id,
                begun=under_way.begin,
                pixels=pixels,
                keep=keep,
            )

        if self._cache is not None and source.kept is not None:
            under_way.arrive()
            if (drawn := await self._cache.drawn(image.key, source.kept, draw)) is not None:
                return drawn[0]
        if not source.keeps and self.shared.takes(rendering):
            lightest = await self.shared.render(image, rendering, target, under_way, estimated)
            if lightest is not None:
                return lightest
        under_way.arrive()
        return await self._from_original(image.key, draw, keeps=source.keeps)

    async def _from_original(self, key: str, draw: "_Draw", *, keeps: bool) -> Format:
        async with self._storage.as_file(original_name(key)) as original:
            if self._cache is None or not keeps:
                return (await draw(original))[0]
            keep = self._cache.new()
            try:
                lightest, pixels = await draw(original, keep=keep)
                if pixels is not None:
                    await self._cache.adopt(Kept(keep, pixels), key)
                return lightest
            finally:
                self._cache.discard(keep)

    def forget(self, key: str) -> None:
        if self._cache is not None:
            self._cache.drop([key])

    def _found(self, cache: KeptPixels, image: Image, rendering: Rendering) -> Kept | None:
        return cache.serving(image.key, (image.width, image.height), (rendering.width, rendering.height))

    def _keeps(self, cache: KeptPixels, image: Image, rendering: Rendering) -> bool:
        """Pixels are kept if decoded for `SRC_SIZE`, which a shop shows first, or for a smaller size; not again if they
        are kept, and too few for this size.
        """
        most, _ = SRC_SIZE.fit(image.width, image.height)
        return rendering.width <= most and cache.find(image.key) is None and cache.has_room()


class _Draw(Protocol):
    async def __call__(
        self, path: Path, pixels: Pixels | None = None, keep: Path | None = None
    ) -> tuple[Format, Pixels | None]: ...
