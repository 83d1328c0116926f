"""Renders of one still picture that are requested at once share one decode, where kept pixels do not serve them.

The first one collects the requests for the same picture that have arrived but are not ready yet, and all that arrive
while it waits for a pixel process. They are one job: the picture is decoded once, for the largest of them.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from image_service.errors import ImageServiceError
from image_service.images.queries import Image
from image_service.images.rendering.admission import UnderWay
from image_service.pixels.messages import MAX_FAMILY, MAX_PIXELS, Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.costs import family_seconds, most_seconds
from image_service.pixels.pool.failures import RenderFailed
from image_service.pixels.pool.pool import Family, PixelPool
from image_service.pixels.sizes import SRC_SIZE, Size
from image_service.storage.base import Storage
from image_service.storage.names import original_name
from image_service.telemetry import metrics

COLLECT_SECONDS = 0.05  # to wait for them: each first needs a statement and a look at the blob store


@dataclass(eq=False)
class _Member:
    rendering: Rendering
    target: Path
    under_way: UnderWay
    lightest: asyncio.Future[Format | None]
    """None: render it alone."""


class _Batch:
    def __init__(self) -> None:
        self.members: list[_Member] = []
        self.seconds = 0.0  # that they take at most
        self.has_begun = False
        self.is_whole = asyncio.Event()  # set when no further request for the picture is under way
        self.task: asyncio.Task[None]

    def family(self, width: int, height: int) -> Family:
        """All members of a picture with these sides. Their job begins now."""
        self.has_begun = True
        self.members.sort(key=lambda each: (each.rendering.width, each.rendering.height), reverse=True)
        for each in self.members:
            each.under_way.begin()
        renderings = [each.rendering for each in self.members]
        return Family([each.target for each in self.members], renderings, family_seconds(renderings, width, height))


class SharedRenders:
    def __init__(self, storage: Storage, pixels: PixelPool, draw_wait: float, draw_seconds: float) -> None:
        self._storage = storage
        self._pixels = pixels
        self._draw_wait = draw_wait
        self._draw_seconds = draw_seconds
        self._coming: Counter[str] = Counter()  # requests that have arrived but are not ready to render, by key
        self._larger: Counter[str] = Counter()  # those of them that kept pixels do not serve
        self._open: dict[str, _Batch] = {}  # that others may join, by key

    def announced(self, key: str, size: Size) -> Callable[[], None]:
        """Count a pending request. Call the returned function once the request has joined a render or failed."""
        is_larger = not 0 < size.width <= SRC_SIZE.width
        self._coming[key] += 1
        self._larger[key] += is_larger
        has_arrived = False

        def arrive() -> None:
            nonlocal has_arrived
            if not has_arrived:
                has_arrived = True
                self._coming[key] -= 1
                self._larger[key] -= is_larger
                if not self._coming[key]:
                    del self._coming[key], self._larger[key]
                    if key in self._open:
                        self._open[key].is_whole.set()

        return arrive

    def decodes(self, key: str) -> bool:
        """Whether a job that others may join decodes the picture, or is about to."""
        return key in self._open or self._larger[key] > 0

    def takes(self, rendering: Rendering) -> bool:
        return rendering.frames == 1 and rendering.width * rendering.height <= MAX_PIXELS

    async def render(
        self, image: Image, rendering: Rendering, target: Path, under_way: UnderWay, estimated: float
    ) -> Format | None:
        """Render from the original; returns the lightest of the formats, as `Decoding.render` does. None: a job of
        several has failed, and this one is to be rendered alone.

        Raises `BlobNotFound`, `Busy`, `RenderFailed`, `StorageUnavailable`.
        """
        member = _Member(rendering, target, under_way, asyncio.get_running_loop().create_future())
        batch = self._joined(image, member, estimated)
        under_way.is_waiting = True
        under_way.arrive()
        try:
            return await member.lightest
        except asyncio.CancelledError:  # no client is left
            if not batch.has_begun:
                batch.members.remove(member)
                if not batch.members:
                    batch.task.cancel()
            raise

    def _joined(self, image: Image, member: _Member, estimated: float) -> _Batch:
        each_alone = (member.rendering, *member.rendering.alternatives)
        seconds = sum(most_seconds(each, image.width, image.height) for each in each_alone)
        batch = self._open.get(image.key)
        if batch is None or len(batch.members) == MAX_FAMILY or batch.seconds + seconds > self._draw_seconds:
            batch = self._open[image.key] = _Batch()
            batch.task = asyncio.create_task(self._run(image, batch, estimated))
        batch.members.append(member)
        batch.seconds += seconds
        return batch

    async def _run(self, image: Image, batch: _Batch, estimated: float) -> None:
        def begin() -> Family:
            self._close(image.key, batch)
            return batch.family(image.width, image.height)

        try:
            async with self._storage.as_file(original_name(image.key)) as original:
                await self._collect(image.key, batch)
                lightest = await self._pixels.render_family(
                    original, begin, wait=self._draw_wait, estimated=estimated, owner=image.store_id
                )
        except ImageServiceError as error:
            for each in batch.members:
                _end(each, None if len(batch.members) > 1 and isinstance(error, RenderFailed) else error)
        else:
            if len(batch.members) > 1:
                metrics.TOGETHER.inc(len(batch.members))
            for each, format in zip(batch.members, lightest, strict=True):
                _end(each, format)
        finally:
            self._close(image.key, batch)
            for each in batch.members:  # none, unless this code has a bug
                _end(each, RenderFailed("its job ended without a result"))

    async def _collect(self, key: str, batch: _Batch) -> None:
        """Wait for the requests that have arrived, but not long."""
        if key in self._coming:
            with suppress(TimeoutError):
                async with asyncio.timeout(COLLECT_SECONDS):
                    await batch.is_whole.wait()

    def _close(self, key: str, batch: _Batch) -> None:
        if self._open.get(key) is batch:
            del self._open[key]


def _end(member: _Member, result: Format | ImageServiceError | None) -> None:
    if member.lightest.done():
        return
    if isinstance(result, ImageServiceError):
        member.lightest.set_exception(result)
    else:
        member.lightest.set_result(result)
