"""What a row says of an image is not lost on its way, whichever way to the database that is."""

from typing import Any
from uuid import UUID

from sqlmodel import SQLModel

from image_service.images import queries
from image_service.images.models import GalleryRow, ImageRow
from image_service.images.products import listing
from image_service.images.queries import Image
from image_service.pixels.picture import Format
from image_service.stores.new_store import NewStore
from tests.conftest import Service

FILLED: dict[str, Any] = {
    "slug": "a-slug",
    "filename": "a name.png",
    "bytes": 1,
    "width": 2,
    "height": 3,
    "frames": 4,
    "thumbhash": "AAAA",
    "alt": {"en": 'a "word"', "id": "kata – é"},
    "source_url": "https://shop.example/a.png",
    "variant_ids": [2**62, 7],
}


def test_every_column_is_a_field() -> None:
    columns = {column.name for column in SQLModel.metadata.tables["images"].columns}
    only_places = {"job_number"}  # read where a gallery is changed, and nowhere else
    assert set(Image.__struct_fields__) == columns - only_places | {"version"}


async def test_both_ways_read_the_same(service: Service, store: NewStore) -> None:
    database, owner, product = service.database, store.store_id, 7
    values = FILLED | {"key": UUID(int=5), "sha256": bytes(range(32)), "format": "webp"}
    async with database.transaction() as session:
        session.add(GalleryRow(store_id=owner, product_id=product, revision=9))
        row = ImageRow(store_id=owner, product_id=product, position=1, **values)
        session.add(row)
        await session.flush()
        image_id = row.id
    image = await queries.image(database, owner, image_id)
    assert {name: getattr(image, name) for name in FILLED} == FILLED
    assert (image.key, image.sha256, image.format) == (UUID(int=5).hex, bytes(range(32)).hex(), Format.WEBP)
    assert (image.id, image.store_id, image.product_id, image.position) == (image_id, owner, product, 1)
    assert (image.version, image.created_at, image.updated_at) == (9, image.updated_at, image.created_at)
    assert await queries.image_by_key(database, owner, image.key) == image
    assert (await queries.gallery(database, owner, product)).images == (image,)
    window = {"since_id": 0, "offset": 0, "limit": 9}
    assert (await queries.images(database, owner, assigned=True, **window)).items == (image,)
    [found] = (await listing.listed(database, owner, **window)).items
    assert (found.id, found.revision, found.images_count) == (product, 9, 1)
    assert (await queries.galleries(database, owner, [product, 8]))[product].images == (image,)
