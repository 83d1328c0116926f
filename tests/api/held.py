"""A blob store that keeps uploads waiting, and remembers what it has stored."""

import asyncio
from pathlib import Path

from image_service.storage.base import BlobHeaders
from image_service.storage.local import LocalStorage


class HeldStorage(LocalStorage):
    """Originals are stored when the test says so."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.may_store, self.arrived = asyncio.Event(), asyncio.Event()
        self.stored: list[str] = []

    async def put(self, name: str, source: Path, headers: BlobHeaders) -> None:
        if name.startswith("private/"):
            self.arrived.set()
            await self.may_store.wait()
            self.stored.append(name)
        await super().put(name, source, headers)

    async def left(self) -> list[str]:
        """Which of those that this test stored are still there."""
        there = {blob.name async for blob in self.list("private/")}
        return [name for name in self.stored if name in there]
