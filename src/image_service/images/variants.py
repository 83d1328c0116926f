"""Finds stored variants, and has the others rendered."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from image_service.database.database import Database
from image_service.errors import BlobNotFound, DatabaseUnavailable
from image_service.images import queries
from image_service.images.rendering.renderer import Renderer
from image_service.pixels.picture import DRAWN, Format
from image_service.pixels.sizes import Offer, Size
from image_service.storage.base import Blob, ByteRange, Storage
from image_service.storage.lightest import Lightest
from image_service.storage.names import VariantName

MAX_KNOWN = 20_000  # keys whose `_Facts` are cached; about 3 MB
FACTS_SECONDS = 1.0  # a stored picture does not wait for a hanging database


@dataclass(frozen=True)
class _Facts:
    """What determines an image's formats."""

    format: Format
    frames: int
    width: int
    height: int


class Variants:
    def __init__(self, database: Database, storage: Storage, renderer: Renderer, offer: Offer) -> None:
        self._database = database
        self._storage = storage
        self._renderer = renderer
        self._offer = offer
        self._offered = frozenset(map(str, offer.sizes))
        self._lightest = Lightest(storage)
        self._facts: dict[str, _Facts] = {}  # by key, whose bytes never change

    async def open(self, name: VariantName, byte_range: ByteRange | None = None) -> Blob:
        """Open a stored variant. Raises `BlobNotFound`, `RangeNotSatisfiable`, `StorageUnavailable`."""
        if name.size not in self._offered:
            raise BlobNotFound
        return await self._storage.open(name.blob, byte_range)

    async def is_kept(self, name: VariantName) -> bool:
        """Raises `StorageUnavailable`."""
        return name.size in self._offered and await self._storage.exists(name.blob)

    def render(self, name: VariantName, instead: tuple[Format, ...] = ()) -> Coroutine[Any, Any, VariantName]:
        """Render and store a variant, once for concurrent requests. Uses a format of `instead`, whose last is the
        picture's own, if that is lighter. Returns the stored name.

        The call itself raises `BlobNotFound` for a size that is not offered, and `Busy` if the expected wait for a
        pixel process exceeds `draw_wait` seconds: a refusal must be cheap. The coroutine raises `Busy` if the wait
        did, `BlobNotFound` if there is no such image, `VariantNotRendered`, and what storage and database raise.
        """
        if name.size not in self._offered:
            raise BlobNotFound
        return self._renderer.render(name, instead)

    async def lightest(self, name: VariantName, accepted: Sequence[Format]) -> tuple[VariantName, tuple[Format, ...]]:
        """What to send to a client that also accepts these formats, preferred first: a stored variant, or one to
        `render` and the formats to weigh it against. Raises `StorageUnavailable`.
        """
        found, is_open = await self._lightest.find(name, accepted)
        if not is_open:
            return found, ()
        return found, (*accepted[accepted.index(Format(found.ext)) + 1 :], Format(name.ext))

    async def formats_of(self, name: VariantName) -> tuple[Format, ...]:
        """What may be sent for `name`: all formats that its size is offered in; none if no image has this name.

        While the database is unavailable, returns the stored formats.
        """
        if name.key not in self._facts:
            try:
                async with asyncio.timeout(FACTS_SECONDS):
                    image = await queries.image_by_key(self._database, name.store_id, name.key)
            except (DatabaseUnavailable, TimeoutError):
                return tuple([each for each in DRAWN if await self._storage.exists(name.as_(each).blob)])
            if image is None:
                return ()
            if len(self._facts) >= MAX_KNOWN:
                self._facts.clear()
            self._facts[name.key] = _Facts(image.format, image.frames, image.width, image.height)
        facts = self._facts[name.key]
        full = facts.width, facts.height
        possible = self._offer.formats(facts.format, facts.frames, full, Size.parse(name.size))
        return possible if name.ext in possible else ()
