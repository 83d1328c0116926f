"""Which format whoever accepts several gets: the lightest. Beside variants an empty blob notes each that is not."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

from image_service.storage.base import BlobHeaders, Storage
from image_service.storage.names import LOST, VariantName
from image_service.storage.staging import Staging

NOTE_HEADERS = BlobHeaders("application/octet-stream")


class Lightest:
    """A variant that is kept was weighed when it was rendered, and noted before it was kept if it is not the lightest:
    whoever finds it, and no note, may send it.
    """

    def __init__(self, storage: Storage, staging: Staging) -> None:
        self._storage = storage
        self._staging = staging

    async def find(self, name: VariantName, accepted: Sequence[str]) -> tuple[VariantName, bool]:
        """What to send to whoever accepts these extensions too, the preferred first, and whether it must be weighed
        first, as it is not kept. Raises `StorageUnavailable`.
        """
        for each in accepted:
            one = replace(name, ext=each)
            lost, kept = await asyncio.gather(self._storage.exists(one.lost_blob), self._storage.exists(one.blob))
            if not lost:
                return one, not kept
        return name, False

    async def lost(self, names: Iterable[VariantName]) -> list[VariantName]:
        """Those that are not the lightest. Raises `StorageUnavailable`."""
        return [each for each in names if each.ext in LOST and await self._storage.exists(each.lost_blob)]

    def notes(self, names: Iterable[VariantName]) -> list[str]:
        """The blobs of all that may be noted of them."""
        return [each.lost_blob for each in names if each.ext in LOST]

    async def note(self, lost: Iterable[VariantName]) -> None:
        """Raises `StorageFull`, `StorageUnavailable`."""
        notes = self.notes(lost)
        if notes:
            async with self._staging.file() as empty:
                empty.touch()
                for each in notes:
                    await self._storage.put(each, empty, NOTE_HEADERS)
