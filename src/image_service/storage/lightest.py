"""Finds the lightest format that a client accepts, by the markers beside the variants (`names.MARKERS`)."""

import asyncio
from collections.abc import Iterable, Sequence

from image_service.storage.base import BlobHeaders, Storage
from image_service.storage.names import VariantName

MARKER_HEADERS = BlobHeaders("application/octet-stream")


class Lightest:
    """The renderer compares a variant's size with other formats. If it is not the lightest, its marker is stored before
    the variant: a variant without a marker may be sent.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def find(self, name: VariantName, accepted: Sequence[str]) -> tuple[VariantName, bool]:
        """Return the variant to send to a client that also accepts these extensions (preferred first), and whether it
        must be rendered and compared first. Raises `StorageUnavailable`.
        """
        for each in accepted:
            one = name.as_(each)
            is_heavier, is_stored = await asyncio.gather(self._is_heavier(one), self._storage.exists(one.blob))
            if not is_heavier:
                return one, not is_stored
        return name, False

    async def heavier(self, names: Iterable[VariantName]) -> list[VariantName]:
        """Return the variants that are not the lightest. Raises `StorageUnavailable`."""
        return [each for each in names if await self._is_heavier(each)]

    async def _is_heavier(self, name: VariantName) -> bool:
        return name.marker is not None and await self._storage.exists(name.marker)
