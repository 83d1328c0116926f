"""A stretch of a store's galleries, which is bounded by how many images they have together."""

from typing import Any

import httpx
import pytest

from image_service.images import queries
from image_service.images.stretches import stretch
from image_service.stores.registry import NewStore
from tests.conftest import Service
from tests.shop import added


@pytest.mark.parametrize(
    ("limit", "max_images", "where", "found", "has_more"),
    [
        (9, 5, {}, [(1, 2), (2, 2), (3, 1)], False),
        (9, 4, {}, [(1, 2), (2, 2)], True),
        (9, 3, {}, [(1, 2)], True),  # it ends with a whole gallery
        (1, 9, {}, [(1, 2)], True),
        (9, 9, {"after": 1}, [(2, 2), (3, 1)], False),
        (9, 9, {"after": 3}, [], False),
        (9, 9, {"before": 3}, [(1, 2), (2, 2)], False),
        (9, 9, {"after": 1, "before": 3}, [(2, 2)], False),
        (1, 9, {"after": 1, "before": 4}, [(3, 1)], True),
        (9, 9, {"ids": [3, 1, 7]}, [(1, 2), (3, 1)], False),
        (1, 9, {"ids": [1, 3]}, [(1, 2)], True),
        (9, 9, {"ids": [1, 3], "after": 1}, [(3, 1)], False),
        (9, 9, {"ids": [1, 2], "before": 2}, [(1, 2)], False),
        (9, 9, {"ids": []}, [], False),
        (9, 3, {"before": 4}, [(2, 2), (3, 1)], True),
        (9, 2, {"before": 4}, [(3, 1)], True),
        (2, 9, {"before": 4}, [(2, 2), (3, 1)], True),
    ],
)
async def test_stretches(
    service: Service,
    store: NewStore,
    client: httpx.AsyncClient,
    limit: int,
    max_images: int,
    where: dict[str, Any],
    found: list[tuple[int, int]],
    has_more: bool,
) -> None:
    for product in (1, 1, 2, 2, 3):
        await added(client, product)
    given = {"after": 0, "before": None, **where}
    page = await stretch(service.database, store.store_id, limit=limit, max_images=max_images, **given)
    assert [(product, len(gallery.images)) for product, gallery in page.items] == found
    assert page.has_more == has_more
    for product, gallery in page.items:
        assert gallery == await queries.gallery(service.database, store.store_id, product)
