"""Copies an installation's bytes from one blob store to another, while the service runs on either of them.

May be interrupted and repeated at any time: existing blobs stay. Originals go first, then variants, and the
instance id last: a service on the new store is not ready until then, unless it was its store before.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from sqlmodel import col, select

from image_service.database.database import Database
from image_service.errors import BlobNotFound, StorageUnavailable
from image_service.images import instance
from image_service.images.models import ImageRow
from image_service.images.rendering.offered import public_headers
from image_service.images.upkeep import verify
from image_service.pixels.picture import DRAWN, Format
from image_service.storage.base import BlobHeaders, Storage
from image_service.storage.fetching import fetch
from image_service.storage.lightest import MARKER_HEADERS
from image_service.storage.names import MARKERS, VariantName, original_name
from image_service.storage.staging import Staging

BATCH = 500  # rows or names looked at together
AT_ONCE = 8  # copies under way, each of which has a file in the staging folder
HEADERS = {str(each): public_headers(each) for each in DRAWN} | dict.fromkeys(MARKERS.values(), MARKER_HEADERS)

Item = TypeVar("Item")
Result = TypeVar("Result")


class CopyState(StrEnum):
    COPIED = "copied"
    THERE = "there"  # the same bytes were in the new store already
    DAMAGED = "damaged"  # in the old store, which has other bytes than the row says; they are not copied
    MISSING = "missing"  # from both
    UNREADABLE = "unreadable"  # the old store answers, but not with this one


@dataclass(frozen=True)
class Copied:
    """The result for one original, or for one variant, which has no image id here."""

    blob: str
    state: CopyState
    image_id: int | None = None
    store_id: int | None = None

    @property
    def is_bad(self) -> bool:
        return self.state not in {CopyState.COPIED, CopyState.THERE}


class Copying:
    def __init__(self, database: Database, source: Storage, target: Storage, staging: Staging) -> None:
        self._database = database
        self._source = source
        self._target = target
        self._staging = staging

    async def run(self, *, quick: bool = False, originals_only: bool = False) -> AsyncIterator[Copied]:
        """Every original of a live image, in the order of ids, then every variant.

        An original that is in the new store is read there and compared with its row, or, if `quick`, measured.
        Raises `InstanceMismatch` where either store is another installation's, and what storage and database raise.
        """
        await instance.check(self._database, self._source)
        if await instance.stored(self._target) is not None:
            await instance.check(self._database, self._target)
        async for copied in self._originals(quick):
            yield copied
        if not originals_only:
            async for copied in self._variants():
                yield copied
        async with self._staging.file() as path:
            await fetch(self._source, instance.NAME, path)
            await self._target.put(instance.NAME, path, instance.HEADERS)
        await instance.remember(self._database, self._target, self._staging)  # otherwise the first sweep there does

    async def _originals(self, quick: bool) -> AsyncIterator[Copied]:
        last = 0
        while True:
            statement = select(ImageRow).where(col(ImageRow.id) > last).order_by(col(ImageRow.id)).limit(BATCH)
            async with self._database.statement() as session:
                rows = (await session.exec(statement)).all()
            if not rows:
                return
            async for copied in _some_at_once(rows, lambda row: self._original(row, quick)):
                if copied is not None:
                    yield copied
            last = rows[-1].id

    async def _original(self, row: ImageRow, quick: bool) -> Copied | None:
        """None: it was deleted meanwhile."""
        name = original_name(row.key.hex)
        state = CopyState.THERE
        if not await self._is_whole(name, row, quick):
            state = await self._copied(name, row)
        if state in {CopyState.COPIED, CopyState.THERE} or await self._live([row.key]):
            return Copied(name, state, row.id, row.store_id)
        return None

    async def _is_whole(self, name: str, row: ImageRow, quick: bool) -> bool:
        if quick:
            return await self._size(name) == row.bytes
        return await verify.state_of(self._target, name, row.sha256) is verify.OriginalState.WHOLE

    async def _copied(self, name: str, row: ImageRow) -> CopyState:
        async with self._staging.file() as path:
            try:
                sha256 = await fetch(self._source, name, path)
            except BlobNotFound:
                return CopyState.MISSING
            except StorageUnavailable:
                await self._source.check()  # raises if the whole store fails
                return CopyState.UNREADABLE
            if sha256 != row.sha256:
                return CopyState.DAMAGED
            await self._target.delete([name])  # what is there is not the original, and a name is written once
            await self._target.put(name, path, BlobHeaders(Format(row.format).media_type, sha256=row.sha256.hex()))
            return CopyState.COPIED

    async def _variants(self) -> AsyncIterator[Copied]:
        batch: list[tuple[VariantName, int]] = []
        async for blob in self._source.list("public/"):
            name = VariantName.parse(blob.name.removeprefix("public/"))
            if name is not None and name.ext in HEADERS:
                batch.append((name, blob.size))
            if len(batch) == BATCH:
                async for copied in self._variants_of(batch):
                    yield copied
                batch = []
        async for copied in self._variants_of(batch):
            yield copied

    async def _variants_of(self, batch: list[tuple[VariantName, int]]) -> AsyncIterator[Copied]:
        """No variant outlives its image: look before the write, and again after it, as a render does."""
        live = await self._live(UUID(name.key) for name, _ in batch)
        wanted = [(name, size) for name, size in batch if UUID(name.key) in live]
        async for copied in _some_at_once(wanted, self._variant):
            if copied is not None:
                yield copied
        gone = live - await self._live(live)
        await self._target.delete(name.blob for name, _ in wanted if UUID(name.key) in gone)

    async def _variant(self, listed: tuple[VariantName, int]) -> Copied | None:
        """None: it was removed meanwhile. Variants have no checksum: an existing one of equal size stays."""
        name, size = listed
        if await self._size(name.blob) == size:
            return Copied(name.blob, CopyState.THERE)
        try:
            async with self._staging.file() as path:
                await fetch(self._source, name.blob, path)
                await self._target.put(name.blob, path, HEADERS[name.ext])
        except BlobNotFound:
            return None
        return Copied(name.blob, CopyState.COPIED)

    async def _size(self, name: str) -> int | None:
        """In the new store."""
        try:
            blob = await self._target.open(name)
        except BlobNotFound:
            return None
        await blob.aclose()
        return blob.size

    async def _live(self, keys: Iterable[UUID]) -> set[UUID]:
        """Keys of live images."""
        async with self._database.statement() as session:
            return set(await session.exec(select(ImageRow.key).where(col(ImageRow.key).in_(list(keys)))))


async def _some_at_once(items: Sequence[Item], do: Callable[[Item], Awaitable[Result]]) -> AsyncIterator[Result]:
    """Results, in order. An error is raised after the other items under way have ended."""
    for start in range(0, len(items), AT_ONCE):
        for done in await asyncio.gather(*map(do, items[start : start + AT_ONCE]), return_exceptions=True):
            if isinstance(done, BaseException):
                raise done
            yield done
