"""Bytes in step with rows: what becomes of them when the other half of the work fails."""

from collections.abc import Iterable
from itertools import count
from pathlib import Path

import httpx
import pytest

from image_service.errors import Busy, DatabaseUnavailable, GalleryFull, StorageFull, StorageUnavailable
from image_service.images import queries
from image_service.images.blobs import Blobs
from image_service.images.library import Library
from image_service.images.upload import Upload
from image_service.pixels.picture import Format, Picture
from image_service.storage.local import LocalStorage
from image_service.storage.names import original_name
from tests.conftest import Service
from tests.images.blobs import INSTANCE, names, shown, sweep
from tests.shop import png

PRODUCT = 7
HOUR = 3600.0


class NoRemovals(LocalStorage):
    """A blob store that fails just when something is to be removed."""

    def __init__(self, root: Path, failure: Exception) -> None:
        super().__init__(root)
        self._failure = failure

    async def delete(self, names: Iterable[str]) -> None:
        raise self._failure


@pytest.fixture
def upload(tmp_path: Path) -> Upload:
    path = tmp_path / "picture"
    path.write_bytes(png())
    size = path.stat().st_size
    return Upload(Picture(path, size, "00" * 32, Format.PNG, 8, 6, 1, "AAAA"), "red.png")


async def count_images(service: Service, store_id: int) -> int:
    page = await queries.images(service.database, store_id, assigned=None, since_id=0, offset=0, limit=1)
    return page.total


@pytest.mark.parametrize(("hours", "in_time"), [(0.9, True), (1.1, False)])
async def test_a_row_that_comes_too_late_is_refused(
    empty: Service, upload: Upload, hours: float, in_time: bool
) -> None:
    """The sweep may look at bytes without a row a day later, and must not meet one that is about to get it."""
    ticks = count()
    blobs = Blobs(empty.database, empty.storage, empty.settings.sizes, clock=lambda: next(ticks) * hours * HOUR)
    library = Library(empty.database, blobs, images_per_product=250)
    store = await empty.new_store()
    if in_time:
        image = await library.add(store.store_id, upload)
        assert await names(empty) == {INSTANCE, original_name(image.key)}
    else:
        with pytest.raises(Busy):
            await library.add(store.store_id, upload)
        assert await names(empty) == {INSTANCE}
    assert await count_images(empty, store.store_id) == in_time


async def test_what_is_refused_leaves_no_bytes(empty: Service, upload: Upload) -> None:
    library = Library(empty.database, Blobs(empty.database, empty.storage, empty.settings.sizes), images_per_product=1)
    store = await empty.new_store()
    image = await library.add(store.store_id, upload, product_id=PRODUCT)
    with pytest.raises(GalleryFull):
        await library.add(store.store_id, upload, product_id=PRODUCT)
    assert await names(empty) == {INSTANCE, original_name(image.key)}


async def test_what_may_have_been_committed_keeps_its_bytes(empty: Service, upload: Upload) -> None:
    blobs = Blobs(empty.database, empty.storage, empty.settings.sizes)

    async def lose_the_database() -> None:
        async with blobs.stored(upload.picture):
            raise DatabaseUnavailable("after the commit was sent")

    with pytest.raises(DatabaseUnavailable):
        await lose_the_database()
    assert len(await names(empty)) == 2


@pytest.mark.parametrize("failure", [StorageUnavailable("a network"), StorageFull("a quota")])
async def test_what_cannot_be_removed_now_is_removed_later(
    shop: httpx.AsyncClient, empty: Service, failure: Exception
) -> None:
    id, original, variant = await shown(shop)
    store_id = int("".join(variant.split("/")[2:4]))
    stuck = NoRemovals(empty.settings.data_dir / "blobs", failure)
    await Library(empty.database, Blobs(empty.database, stuck, empty.settings.sizes), 250).remove(store_id, id)
    assert (await shop.get(f"/images/{id}")).status_code == 404
    assert await names(empty) == {INSTANCE, original, variant}
    assert (await sweep(empty)).variants == 1
    assert await names(empty) == {INSTANCE, original}


async def test_a_store_that_is_removed_takes_its_pictures_along(shop: httpx.AsyncClient, empty: Service) -> None:
    _, original, variant = await shown(shop)
    other = await empty.new_store()
    async with empty.client(headers={"Authorization": f"Bearer {other.token}"}) as client:
        _, kept, shown_still = await shown(client)
    assert await empty.remove_store(int("".join(variant.split("/")[2:4]))) == 1
    assert await names(empty) == {INSTANCE, original, kept, shown_still}
