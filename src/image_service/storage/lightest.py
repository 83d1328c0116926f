"""The lightest format for a client that accepts several. Empty blobs beside a variant note the formats that are not."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

from image_service.storage.base import BlobHeaders, Storage
from image_service.storage.names import LOST, VariantName
from image_service.storage.staging import Staging

NOTE_HEADERS = BlobHeaders("application/octet-stream")


class Lightest:
    """A variant is weighed when it is rendered. If it is not the lightest, that is noted before the variant is stored:
    a variant without a note may be sent.
    """

    def __init__(self, storage: Storage, staging: Staging) -> None:
        self._storage = storage
        self._staging = staging

    async def find(self, name: VariantName, accepted: Sequence[str]) -> tuple[VariantName, bool]:
        """What to send to a client that also accepts these extensions, preferred first, and whether it must be rendered
        and weighed first. Raises `StorageUnavailable`.
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
