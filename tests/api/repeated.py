"""For requests that are repeated: their keys, and a blob store that keeps uploads waiting and remembers them."""

import asyncio
from pathlib import Path
from uuid import uuid4

import httpx

from image_service.storage.base import BlobHeaders
from image_service.storage.local import LocalStorage

FIRST_ANSWER = ("content-type", "location", "etag", "cache-control", "vary")


def new_key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}


def same(answers: list[httpx.Response]) -> bool:
    said = [(each.status_code, each.content, *(each.headers.get(name) for name in FIRST_ANSWER)) for each in answers]
    return all(each == said[0] for each in said)


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
