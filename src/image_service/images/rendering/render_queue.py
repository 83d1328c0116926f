"""Queue of images whose variants are to be rendered when idle: in memory, lost with the process."""

import asyncio
from collections.abc import Iterable

from image_service.images.queries import Image
from image_service.telemetry import metrics
from image_service.telemetry.metrics import NotAhead

MOST = 1000  # images; about 1 MB


class RenderQueue:
    """First in, first out. Under load it fills, and the oldest are dropped: shoppers have asked for them by then."""

    def __init__(self) -> None:
        self._images: dict[str, Image] = {}  # by key
        self._news = asyncio.Event()

    def add(self, images: Iterable[Image]) -> None:
        """Add those on a product, except animations: one frame is no variant."""
        for image in images:
            if image.product_id is None or image.frames > 1:
                continue
            self._images[image.key] = image
            if len(self._images) > MOST:
                self._drop(next(iter(self._images)), NotAhead.LOAD)
        self._news.set()
        self._count()

    def forget(self, keys: Iterable[str]) -> None:
        """Drop images that were deleted or replaced."""
        for key in keys:
            self._drop(key, NotAhead.GONE)

    def forget_store(self, store_id: int) -> None:
        self.forget([image.key for image in self._images.values() if image.store_id == store_id])

    async def wait(self) -> None:
        """Wait for an image."""
        while not self._images:
            self._news.clear()
            await self._news.wait()

    def take(self) -> Image | None:
        """The oldest."""
        if not self._images:
            return None
        image = self._images.pop(next(iter(self._images)))
        self._count()
        return image

    def clear(self) -> None:
        self._images.clear()
        self._count()

    def _drop(self, key: str, why: NotAhead) -> None:
        if self._images.pop(key, None) is not None:
            metrics.NOT_AHEAD.labels(why).inc()
            self._count()

    def _count(self) -> None:
        metrics.AHEAD_WAITING.set(len(self._images))
