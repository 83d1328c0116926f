"""Verification as it is run: a sample, a rate, and on from where one was stopped."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import select

from image_service.database.database import Database
from image_service.errors import StorageUnavailable
from image_service.images.models import ImageRow
from image_service.images.upkeep import runs, verifying
from image_service.images.upkeep.verify import OriginalState, Sample
from image_service.images.upkeep.verifying import Verification, VerifyUnderWay
from image_service.storage.base import Blob, ByteRange
from image_service.storage.local import LocalStorage
from image_service.storage.names import key_of_original
from tests.conftest import Service
from tests.images.blobs import file_of, shown
from tests.shop import added

ALL = 0.999_999_999  # as a sample, which goes on after each 256th of the keys


class Breaks(LocalStorage):
    """Out of reach after some have been read."""

    def __init__(self, root: Path, after: int) -> None:
        super().__init__(root)
        self.opened: list[str] = []
        self.after = after
        self.begun = asyncio.Event()

    async def open(self, name: str, range: ByteRange | None = None) -> Blob:
        if key_of_original(name) is None:  # what says whose blob store it is
            return await super().open(name, range)
        if len(self.opened) == self.after:
            raise StorageUnavailable(name)
        self.opened.append(name)
        self.begun.set()
        return await super().open(name, range)

    async def check(self) -> datetime:
        raise StorageUnavailable("all of it")


@pytest.fixture
async def images(shop: httpx.AsyncClient, empty: Service) -> AsyncIterator[list[str]]:
    """The names of a dozen originals, in the order of their keys."""
    await asyncio.gather(*(added(shop) for _ in range(11)))
    assert (await shown(shop))[0]
    yield sorted([each async for some in empty.storage.names("private/") for each in some if len(each) > 30])
    for job in (runs.VERIFY, runs.VERIFY_SAMPLE):
        await runs.succeeded(empty.database, job, 0, {})


def window_of(name: str) -> str:
    """The folder: the key's first byte, of which a sample takes all at once."""
    return name.split("/")[1]


async def keys_of(database: Database, sample: Sample) -> list[str]:
    found: list[str] = []
    place: str | None = ""
    while place is not None:
        rows, place = await sample.after(database, place)
        found += [row.key.hex for row in rows]
    return found


async def test_samples_take_the_same_part_of_all_keys(images: list[str], empty: Service) -> None:
    async with empty.database.statement() as session:
        keys = sorted([key.hex for key in await session.exec(select(ImageRow.key))])
    assert await keys_of(empty.database, Sample(1.0, 0.3)) == keys
    first, second = [await keys_of(empty.database, Sample(0.5, seed)) for seed in (0.0, 1.0)]
    assert sorted(first + second) == keys
    assert await keys_of(empty.database, Sample(1e-9, 0.5)) == []


async def test_one_that_was_stopped_goes_on(images: list[str], empty: Service) -> None:
    file_of(empty, images[0]).unlink()
    breaks = Breaks(empty.settings.data_dir / "blobs", after=5)
    options: dict[str, Any] = {"share": ALL, "kept_every": 0}
    with pytest.raises(StorageUnavailable):
        await verifying.run(empty.database, breaks, **options)
    assert (await runs.results(empty.database))[runs.VERIFY_SAMPLE].failed
    breaks.after = 1000
    told: list[Verification] = []
    ended = await verifying.run(empty.database, breaks, say=told.append, **options)
    again = [name for name in images[:5] if window_of(name) == window_of(images[5])]  # the window in which it stopped
    assert sorted(breaks.opened) == sorted(images + again)
    assert [each.done for each in told] == [5 - len(again)]
    assert ended.counts == {"whole": 11, "damaged": 0, "missing": 1, "unreadable": 0}
    assert [each["blob"] for each in ended.bad] == [images[0]]
    result = (await runs.results(empty.database))[runs.VERIFY_SAMPLE]
    assert (result.failed, result.counts) == (False, ended.counts)


async def test_it_does_not_go_on_with_another(images: list[str], empty: Service) -> None:
    now = time.time()
    kept = vars(Verification(share=1.0, read=False, seed=0.5, began=now, at=now, place=str(2**62)))
    for cursor, options, expected in (
        (kept, {}, 0),
        (kept, {"anew": True}, 12),
        (kept, {"read": True}, 12),
        (kept | {"at": now - 31 * 86_400}, {}, 12),
        ({"of": "another version"}, {}, 12),
    ):
        await runs.keep_cursor(empty.database, runs.VERIFY, cursor)
        arguments: dict[str, Any] = options
        assert (await verifying.run(empty.database, empty.storage, **arguments)).done == expected


async def test_at_its_rate_and_never_two(images: list[str], empty: Service) -> None:
    since = time.monotonic()
    storage = Breaks(empty.settings.data_dir / "blobs", after=1000)
    first = asyncio.create_task(verifying.run(empty.database, storage, rate=60))
    await storage.begun.wait()
    with pytest.raises(VerifyUnderWay):
        await verifying.run(empty.database, empty.storage)
    assert (await first).counts[OriginalState.WHOLE] == 12
    assert time.monotonic() - since >= 12 / 60
