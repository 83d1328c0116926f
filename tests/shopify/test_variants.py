"""`variant_ids`: each is on one image of the product at most."""

import asyncio
from collections import Counter

from tests.shopify.conftest import Shop, one


async def test_set_on_another_image_they_leave_the_first(shop: Shop) -> None:
    first = await shop.add(variant_ids=[3, 1, 2, 1])
    assert first["variant_ids"] == [3, 1, 2]
    second = await shop.add(variant_ids=[2**63 - 1])
    assert (await shop.put(second, variant_ids=["1", 2**63 - 1]))["variant_ids"] == [1, 2**63 - 1]
    assert [image["variant_ids"] for image in await shop.listed()] == [[3, 2], [1, 2**63 - 1]]
    third = await shop.add(variant_ids=[2, 3])
    assert [image["variant_ids"] for image in await shop.listed()] == [[], [1, 2**63 - 1], [2, 3]]
    assert (await shop.put(third, variant_ids=[]))["variant_ids"] == []
    assert (await shop.put(third, variant_ids=None))["variant_ids"] == []


async def test_a_thousand_may_be_integers_or_strings(shop: Shop) -> None:
    image = await shop.add()
    many = [2**63 - number for number in range(1, 1_001)]
    for ids in (many, list(map(str, many[::-1]))):
        assert (await shop.put(image, variant_ids=ids, alt="A shoe"))["variant_ids"] == list(map(int, ids))
    answer = await shop.client.put(one(image), json={"image": {"variant_ids": [*many, 1]}})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["variant_ids"])


async def test_what_loses_one_has_another_entity_tag(shop: Shop) -> None:
    first, second = await shop.add(variant_ids=[1]), await shop.add()
    tag = (await shop.client.get(one(first))).headers["ETag"]
    await shop.put(second, variant_ids=[1])
    answer = await shop.client.get(one(first), headers={"If-None-Match": tag})
    assert (answer.status_code, answer.json()["image"]["variant_ids"]) == (200, [])


async def test_many_clients_want_the_same_one(shop: Shop) -> None:
    """Whoever is last has it, alone; nothing deadlocks."""
    images = [await shop.add(variant_ids=[number]) for number in range(1, 7)]
    wanted = [1, 2, 3, 4, 5, 6]
    await asyncio.gather(*(shop.put(image, variant_ids=wanted) for image in images for _ in range(3)))
    await asyncio.gather(*(shop.put(image, variant_ids=[1, number]) for number, image in enumerate(images, 1)))
    shown = [variant for image in await shop.listed() for variant in image["variant_ids"]]
    assert set(shown) >= {1}
    assert max(Counter(shown).values()) == 1
