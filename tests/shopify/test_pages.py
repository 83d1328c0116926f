"""Pages by cursor, of a product's images and of products."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.conftest import API
from tests.shopify.conftest import IMAGES, PREFIX, PRODUCT, Shop

PRODUCTS = "/products.json"


def links(answer: httpx.Response) -> dict[str, str]:
    """As the Python client takes `Link` apart."""
    found = {}
    for value in answer.headers.get("Link", "").split(", ") if "Link" in answer.headers else ():
        link, rel = value.split("; ")
        found[rel.split('"')[1]] = link[1:-1]
    return found


async def walk(shop: Shop, url: str, rel: str, shown: Callable[[dict[str, Any]], list[int]]) -> list[list[int]]:
    pages = []
    while url:
        answer = await shop.client.get(url)
        assert answer.status_code == 200, answer.text
        pages.append(shown(answer.json()))
        url = links(answer).get(rel, "")
    return pages


def ids(body: dict[str, Any]) -> list[int]:
    [items] = body.values()
    return [item["id"] for item in items]


async def test_there_and_back_through_a_gallery(shop: Shop) -> None:
    made = [(await shop.add(position=1))["id"] for _ in range(5)][::-1]
    there = await walk(shop, f"{IMAGES}?limit=2&fields=id,alt", "next", ids)
    assert there == [made[:2], made[2:4], made[4:]]
    second = await shop.client.get(links(await shop.client.get(f"{IMAGES}?limit=2&fields=id"))["next"])
    assert second.json() == {"images": [{"id": each} for each in made[2:4]]}
    assert list(links(second)) == ["previous", "next"]
    assert links(second)["next"].startswith(f"http://api.test{PREFIX}{IMAGES}?limit=2&fields=id&page_info=")
    last = await shop.client.get(links(second)["next"])
    assert await walk(shop, links(last)["previous"], "previous", ids) == [made[2:4], made[:2]]


async def test_by_id_after_since_id(shop: Shop) -> None:
    made = [(await shop.add(position=1))["id"] for _ in range(5)]
    assert await walk(shop, f"{IMAGES}?since_id={made[0]}&limit=3", "next", ids) == [made[1:4], made[4:]]
    assert ids((await shop.client.get(IMAGES, params={"since_id": 0})).json()) == made


async def test_the_way_back_ends_where_since_id_began(shop: Shop) -> None:
    """Also with nothing but `page_info` of the `Link`."""
    made = [(await shop.add(product=product))["id"] for product in (7, 7, 7, 7, 7, 8, 9, 10, 11)][:5]
    for first, shown in (
        (f"/products/7/images.json?limit=1&since_id={made[1]}", [[made[4]], [made[3]], [made[2]]]),
        (f"{PRODUCTS}?limit=1&since_id=8", [[11], [10], [9]]),
    ):
        url = first
        while "next" in (there := links(await shop.client.get(url))):
            url = there["next"]
        assert await walk(shop, url, "previous", ids) == shown
        cursor = there["previous"].partition("page_info=")[2]
        alone = await shop.client.get(first.partition("?")[0], params={"page_info": cursor})
        assert ids(alone.json()) == [number for [number] in shown[:0:-1]]
        assert links(alone).keys() <= {"next"}


async def test_without_a_limit_a_gallery_is_one_page(shop: Shop) -> None:
    for _ in range(3):
        await shop.add()
    for query in ({}, {"limit": 3}, {"limit": 250}, {"limit": 10**6}):
        answer = await shop.client.get(IMAGES, params=query)
        assert (len(answer.json()["images"]), links(answer)) == (3, {})


@pytest.mark.parametrize("path", [IMAGES, PRODUCTS])
@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "ten"}, {"page_info": "x"}, {"page_info": "é"}, {"since_id": "-1"},
              {"page_info": "aWQgYWZ0ZXIgOTk5OTk5OTk5OTk5OTk5OTk5OQ"}, {"page_info": "aWQgYWZ0ZXIgMQ=="},
              {"page_info": "b3RoZXIgYWZ0ZXIgMQ"}],
)  # fmt: skip
async def test_queries_that_cannot_be_used(shop: Shop, path: str, query: dict[str, str]) -> None:
    answer = await shop.client.get(path, params=query)
    [[name, messages]] = answer.json()["errors"].items()
    assert (answer.status_code, [name]) == (422, list(query)), messages


async def test_a_cursor_of_a_gallery_is_none_of_products(shop: Shop) -> None:
    for _ in range(2):
        await shop.add()
    cursor = links(await shop.client.get(f"{IMAGES}?limit=1"))["next"].partition("page_info=")[2]
    answer = await shop.client.get(PRODUCTS, params={"page_info": cursor})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["page_info"])


async def test_products_with_all_their_images(shop: Shop) -> None:
    assert (await shop.client.get(PRODUCTS)).json() == {"products": []}
    first = [await shop.add(product=7), await shop.add(product=7, position=1)]
    other = await shop.add()
    gallery = await shop.listed("/products/7/images.json")
    whole = {"id": 7, "images": gallery, "image": gallery[0], "variants": []}
    assert gallery[0]["id"] == first[1]["id"]
    assert (await shop.client.get("/products/7.json")).json() == {"product": whole}
    assert (await shop.client.get("/products/7.json?fields=id,images")).json() == {
        "product": {"id": 7, "images": gallery}
    }
    answer = await shop.client.get(PRODUCTS)
    assert answer.json() == {"products": [whole, {"id": PRODUCT, "images": [other], "image": other, "variants": []}]}
    assert links(answer) == {}
    same = {"If-None-Match": answer.headers["ETag"]}
    assert (await shop.client.get(PRODUCTS, headers=same)).status_code == 304
    await shop.add(product=7)
    assert (await shop.client.get(PRODUCTS, headers=same)).status_code == 200
    assert (await shop.client.get("/products/8.json")).json() == {"errors": "Not Found"}


async def test_a_product_that_has_a_name_has_a_title(shop: Shop) -> None:
    first, _ = await shop.add(product=7), await shop.add(product=8)
    before = await shop.client.get(PRODUCTS, params={"fields": "id,title"})
    assert before.json() == {"products": [{"id": 7}, {"id": 8}]}
    path, headers = f"{API}/v1/{shop.store.store_id}/products/7", {"Authorization": f"Bearer {shop.store.token}"}
    await shop.client.put(path, json={"name": {"en": "Shoe", "es": "Zapato"}}, headers=headers)
    after = await shop.client.get(
        PRODUCTS, params={"fields": "id,title"}, headers={"If-None-Match": before.headers["ETag"]}
    )
    assert after.json() == {"products": [{"id": 7, "title": "Zapato"}, {"id": 8}]}
    await shop.client.put(path, json={"name": {"pt": "Sapato", "de-AT": "Schuh"}}, headers=headers)
    only = await shop.client.get(PRODUCTS, params={"fields": "id,title"})
    assert only.json() == {"products": [{"id": 7, "title": "Schuh"}, {"id": 8}]}
    await shop.client.put(path, json={"name": {"en": "Shoe", "es": "Zapato"}}, headers=headers)
    assert (await shop.client.get("/products/7.json")).json() == {
        "product": {"id": 7, "title": "Zapato", "images": [first], "image": first, "variants": []}
    }


async def test_there_and_back_through_products(shop: Shop) -> None:
    for product in (3, 1, 2, 5, 4):
        await shop.add(product=product)
    assert await walk(shop, f"{PRODUCTS}?limit=2&fields=id", "next", ids) == [[1, 2], [3, 4], [5]]
    assert await walk(shop, f"{PRODUCTS}?limit=2&since_id=1&fields=id", "next", ids) == [[2, 3], [4, 5]]
    second = await shop.client.get(links(await shop.client.get(f"{PRODUCTS}?limit=2"))["next"])
    assert list(links(second)) == ["previous", "next"]
    last = await shop.client.get(links(second)["next"])
    assert list(links(last)) == ["previous"]
    assert await walk(shop, links(last)["previous"], "previous", ids) == [[3, 4], [1, 2]]


async def test_several_products_by_their_ids(shop: Shop) -> None:
    for product in (804, 801, 803, 802):
        await shop.add(product=product)

    async def found(given: str, **query: int) -> list[int]:
        params: dict[str, str | int] = {"ids": given, "fields": "id", **query}
        return ids((await shop.client.get(PRODUCTS, params=params)).json())

    assert await found("802,803") == [802, 803]
    assert await found("804, 801,804") == [801, 804]
    assert await found("804,") == await found(",804,,") == [804]
    assert await found(f"802,999,{2**63},{10**19 - 1}") == [802]
    assert await found("999") == await found(str(2**63)) == []
    assert await found("802,803", since_id=802) == [803]
    assert await found(",".join(map(str, range(600, 850)))) == [801, 802, 803, 804]


async def test_there_and_back_through_products_by_their_ids(shop: Shop) -> None:
    for product in range(1, 8):
        await shop.add(product=product)
    url = f"{PRODUCTS}?limit=2&fields=id&ids=6,2,1,4,3"
    assert await walk(shop, url, "next", ids) == [[1, 2], [3, 4], [6]]
    while "next" in (there := links(await shop.client.get(url))):
        url = there["next"]
    assert await walk(shop, url, "previous", ids) == [[6], [3, 4], [1, 2]]


@pytest.mark.parametrize("given", [",", "802;803", "x", "0", "-1", "802,0803", "1.0", "8e2", "9" * 20])
async def test_ids_that_are_none(shop: Shop, given: str) -> None:
    answer = await shop.client.get(PRODUCTS, params={"ids": given})
    assert (answer.status_code, answer.json()) == (422, {"errors": {"ids": ["must be ids, separated by commas"]}})


async def test_ids_are_250_at_most(shop: Shop) -> None:
    answer = await shop.client.get(PRODUCTS, params={"ids": ",".join(map(str, range(1, 252)))})
    assert (answer.status_code, answer.json()) == (422, {"errors": {"ids": ["is too long (maximum is 250 entries)"]}})


@pytest.mark.parametrize("path", [IMAGES, PRODUCTS, f"http://api.test/admin{PRODUCTS}"])
@pytest.mark.parametrize("number", ["1", "2", "x"])
async def test_pages_have_no_numbers(shop: Shop, path: str, number: str) -> None:
    """A client that counts pages until one is empty would never come to an end."""
    answer = await shop.client.get(path, params={"limit": 1, "page": number})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["page"])
    assert "page_info" in answer.json()["errors"]["page"]
