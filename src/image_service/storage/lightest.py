"""Finds the lightest format that a client accepts. An empty blob beside a variant marks a format that is not it."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

from image_service.storage.base import BlobHeaders, Storage
from image_service.storage.names import LOST, VariantName
from image_service.storage.staging import Staging

NOTE_HEADERS = BlobHeaders("application/octet-stream")


class Lightest:
    """The renderer compares a variant's size with other formats. If it is not the lightest, its note is stored before
    the variant: a variant without a note may be sent.
    """

    def __init__(self, storage: Storage, staging: Staging) -> None:
        self._storage = storage
        self._staging = staging

    async def find(self, name: VariantName, accepted: Sequence[str]) -> tuple[VariantName, bool]:
        """Return the variant to send to a client that also accepts these extensions (preferred first), and whether it
        must be rendered and compared first. Raises `StorageUnavailable`.
        """
        for each in accepted:
            one = replace(name, ext=each)
            lost, kept = await asyncio.gather(self._storage.exists(one.lost_blob), self._storage.exists(one.blob))
            if not lost:
                return one, not kept
        return name, False

    async def lost(self, names: Iterable[VariantName]) -> list[VariantName]:
        """Return the variants that are not the lightest. Raises `StorageUnavailable`."""
        return [each for each in names if each.ext in LOST and await self._storage.exists(each.lost_blob)]

    def notes(self, names: Iterable[VariantName]) -> list[str]:
        """Return the names of all note blobs that these variants may have."""
        return [each.lost_blob for each in names if each.ext in LOST]

    async def note(self, lost: Iterable[VariantName]) -> None:
        """Store a note for each variant. Raises `StorageFull`, `StorageUnavailable`."""
        notes = self.notes(lost)
        if notes:
            async with self._staging.file() as empty:
                empty.touch()
                for each in notes:
                    await self._storage.put(each, empty, NOTE_HEADERS)
