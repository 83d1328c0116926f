"""A blob store that a test can hold up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from image_service.storage.base import BlobHeaders
from image_service.storage.local import LocalStorage


class WatchedStorage(LocalStorage):
    """Counts what is written, and holds up the writing or the reading of variants for as long as a test wants."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.written: list[str] = []
        self.may_read, self.may_write = asyncio.Event(), asyncio.Event()
        self.arrived = asyncio.Event()  # someone waits for either
        self.may_read.set()
        self.may_write.set()

    async def put(self, name: str, source: Path, headers: BlobHeaders) -> None:
        if name.startswith("public/"):
            self.written.append(name)
            await self._pass(self.may_write)
        await super().put(name, source, headers)

    @asynccontextmanager
    async def as_file(self, name: str) -> AsyncIterator[Path]:
        await self._pass(self.may_read)
        async with super().as_file(name) as path:
            yield path

    async def _pass(self, gate: asyncio.Event) -> None:
        if not gate.is_set():
            self.arrived.set()
        await gate.wait()
