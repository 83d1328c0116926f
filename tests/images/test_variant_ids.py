"""Which variants of its product an image belongs to: each is on one image of the product at most."""

from itertools import count
from pathlib import Path

import pytest

from image_service.images import queries
from image_service.images.blobs import Blobs
from image_service.images.library import Library
from image_service.images.queries import Image
from image_service.images.upload import Upload
from image_service.pixels.picture import Format, Picture
from tests.conftest import Service
from tests.shop import png

PRODUCT, OTHER = 7, 8


@pytest.fixture
def library(service: Service) -> Library:
    return Library(
        service.database, Blobs(service.database, service.storage, service.settings.sizes), images_per_product=250
    )


class Shop:
    """A store, and what it asks of the library."""

    def __init__(self, service: Service, library: Library, store_id: int, folder: Path) -> None:
        self.service, self.library, self.store_id = service, library, store_id
        self._folder, self._numbers = folder, count()

    def upload(self) -> Upload:
        path = self._folder / f"picture-{next(self._numbers)}"
        path.write_bytes(png())
        return Upload(Picture(path, path.stat().st_size, "00" * 32, Format.PNG, 8, 6, 1, "AAAA"), "red.png")

    async def add(self, *variant_ids: int, product: int = PRODUCT) -> Image:
        return await self.library.add(self.store_id, self.upload(), product_id=product, variant_ids=variant_ids)

    async def give(self, image: Image, *variant_ids: int) -> Image:
        return await self.library.change(self.store_id, PRODUCT, image.id, variant_ids=variant_ids)

    async def shown(self, product: int = PRODUCT) -> list[list[int] | None]:
        images = (await queries.gallery(self.service.database, self.store_id, product)).images
        return [image.variant_ids for image in images]


@pytest.fixture
async def shop(service: Service, library: Library, tmp_path: Path) -> Shop:
    return Shop(service, library, (await service.new_store()).store_id, tmp_path)


async def test_a_new_image_takes_them_from_the_others(shop: Shop) -> None:
    first = await shop.add(3, 1, 2)
    assert first.variant_ids == [3, 1, 2]
    await shop.add(1, 9)
    assert await shop.shown() == [[3, 2], [1, 9]]
    await shop.add(2, 3)
    assert await shop.shown() == [None, [1, 9], [2, 3]]
    await shop.add()
    assert await shop.shown() == [None, [1, 9], [2, 3], None]


async def test_so_does_one_that_is_changed(shop: Shop) -> None:
    first, second = await shop.add(1, 2), await shop.add(3)
    changed = await shop.give(second, 3, 2, 2**63 - 1)
    assert changed.variant_ids == [3, 2, 2**63 - 1]
    assert await shop.shown() == [[1], [3, 2, 2**63 - 1]]
    lost = await queries.image(shop.service.database, shop.store_id, first.id)
    assert (lost.variant_ids, lost.updated_at) == ([1], first.updated_at)  # that is the addressed image's alone
    await shop.give(second)
    assert await shop.shown() == [[1], None]


async def test_products_and_stores_know_nothing_of_each_other(
    shop: Shop, service: Service, library: Library, tmp_path: Path
) -> None:
    other = Shop(service, library, (await service.new_store()).store_id, tmp_path / "other")
    (tmp_path / "other").mkdir()
    await shop.add(1)
    await shop.add(1, product=OTHER)
    await other.add(1)
    assert await shop.shown() == await shop.shown(OTHER) == await other.shown() == [[1]]


async def test_what_changes_nothing_leaves_the_gallery_alone(shop: Shop) -> None:
    first, second = await shop.add(1, 2), await shop.add()
    before = await queries.gallery(shop.service.database, shop.store_id, PRODUCT)
    assert (await shop.give(first, 1, 2)).updated_at == first.updated_at
    assert (await shop.give(second)).updated_at == second.updated_at
    assert await queries.gallery(shop.service.database, shop.store_id, PRODUCT) == before


async def test_other_changes_keep_them(shop: Shop) -> None:
    image = await shop.add(5, 6)
    changed = await shop.library.change(shop.store_id, PRODUCT, image.id, alt="a shoe", upload=shop.upload())
    assert (changed.variant_ids, changed.alt) == ([5, 6], "a shoe")
    assert changed.key != image.key
