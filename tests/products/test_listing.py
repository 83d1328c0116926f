"""Products in lists, by their keys and by words; and how they are forgotten."""

import asyncio
import unicodedata
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from image_service.stores.registry import NewStore
from tests.conftest import Service
from tests.shop import added, form, png


async def put(client: httpx.AsyncClient, product: int, **said: object) -> None:
    (await client.put(f"/products/{product}", json=said)).raise_for_status()


async def upload(client: httpx.AsyncClient, product: int, filename: str, alt: object = None) -> int:
    answer = await client.post(f"/products/{product}/images", files=form(name=filename))
    image: int = answer.raise_for_status().json()["id"]
    if alt is not None:
        (await client.put(f"/products/{product}/images/{image}", json={"alt": alt})).raise_for_status()
    return image


async def found(client: httpx.AsyncClient, **query: Any) -> list[int]:
    answer = await client.get("/products", params={"fields": "id", **query})
    assert answer.status_code == 200, answer.text
    ids = [each["id"] for each in answer.json()]
    assert int(answer.headers["X-Total-Count"]) == len(ids)
    return ids


async def test_a_list_has_what_has_images_or_a_row(client: httpx.AsyncClient) -> None:
    image = await added(client, 5)
    await put(client, 7, name="Zapato", key="SKU-7")
    await added(client, 9)
    await client.delete("/products/9")
    await put(client, 5, key="SKU-5")
    listed = (await client.get("/products")).json()
    assert listed == [
        {"id": 5, "key": "SKU-5", "images_count": 1, "image": image, "images": [image]},
        {"id": 7, "name": "Zapato", "key": "SKU-7", "images_count": 0, "images": []},
    ]
    assert (await client.get("/products", params={"fields": "images_count,id"})).json() == [
        {"images_count": 1, "id": 5},
        {"images_count": 0, "id": 7},
    ]
    assert (await client.get("/products/7")).json() == {"id": 7, "name": "Zapato", "key": "SKU-7", "images": []}
    assert (await client.get("/products/9")).status_code == 404
    second = await client.get("/products", params={"per_page": 1, "page": 2, "fields": "id"})
    assert (second.json(), second.headers["X-Total-Count"]) == ([{"id": 7}], "2")
    assert await found(client, since_id=5) == [7]


async def test_deletion_keeps_what_a_product_is_called(client: httpx.AsyncClient) -> None:
    await added(client, 7)
    await put(client, 7, name="Zapato", key="SKU")
    assert (await client.delete("/products/7")).status_code == 200
    assert (await client.get("/products/7")).json() == {"id": 7, "name": "Zapato", "key": "SKU", "images": []}
    tag = (await client.get("/products/7")).headers["ETag"]
    assert (await client.delete("/products/7", headers={"If-Match": '"1-other"'})).status_code == 412
    forgotten = await client.delete("/products/7", params={"forget": "true"}, headers={"If-Match": tag})
    assert forgotten.status_code == 200
    assert (await client.get("/products/7")).status_code == 404
    assert (await client.delete("/products/7", params={"forget": "true"})).status_code == 200  # it stays so
    assert (await client.post("/products", json={"key": "SKU"})).status_code == 201  # the key is free
    refused = await client.delete("/products/7", params={"forget": "maybe"})
    assert (refused.status_code, refused.json()) == (422, {"forget": ["must be true or false"]})


async def test_a_name_changes_the_tags_of_what_shows_it(client: httpx.AsyncClient) -> None:
    await added(client, 7)
    for path in ("/products/7", "/products"):
        before = await client.get(path)
        await put(client, 7, name=f"Zapato of {path}")
        after = await client.get(path, headers={"If-None-Match": before.headers["ETag"]})
        assert after.status_code == 200
        again = await client.get(path, headers={"If-None-Match": after.headers["ETag"]})
        assert again.status_code == 304


async def test_the_platforms_prefixes_show_names_by_language(client: httpx.AsyncClient, store: NewStore) -> None:
    base = f"/v1/{store.store_id}"
    await put(client, 7, name="Zapato")
    assert (await client.get(f"{base}/products/7")).json()["name"] == {"es": "Zapato"}
    names = {"en": "Shoe", "pt": "Sapato", "es": ""}
    named = await client.put(f"{base}/products/7", json={"name": names, "published": True, "variants": [{"price": 1}]})
    assert named.json() == {"id": 7, "name": {"en": "Shoe", "pt": "Sapato"}, "images": []}
    assert (await client.get("/products/7")).json()["name"] == "Shoe"  # the store's language has none: the first
    assert (await client.get(f"{base}/products")).json()[0]["name"] == {"en": "Shoe", "pt": "Sapato"}
    assert (await client.put(f"{base}/products/7", json={"key": "SKU"})).json()["key"] == "SKU"
    assert (await client.put(f"{base}/products/7", json={"name": []})).json() == {"id": 7, "key": "SKU", "images": []}
    assert (await client.put(f"{base}/products/7", json={"name": "Bota"})).json()["name"] == {"es": "Bota"}
    for wrong in (7, ["Bota"], {"es": 7}, {"x" * 36: "Bota"}, {"es": "x" * 501}, " "):
        refused = await client.put(f"{base}/products/7", json={"name": wrong})
        assert (refused.status_code, refused.json().keys()) == (422, {"name"})
    assert (await client.put(f"{base}/products/8", json={"published": False})).status_code == 404


@pytest.mark.parametrize("sku", ["SKU-7", "SKU/7", "images", "a/images", "№ 7?"])
async def test_the_platforms_prefixes_find_by_sku(client: httpx.AsyncClient, store: NewStore, sku: str) -> None:
    base = f"/2025-03/{store.store_id}"
    image = await added(client, 7)
    await put(client, 7, key=sku)
    whole = (await client.get(f"{base}/products/7")).json()
    path = quote(sku, safe="")
    by_sku = await client.get(f"{base}/products/sku/{path}")
    assert by_sku.json() == whole
    assert whole["images"][0]["id"] == image["id"]
    assert (await client.get(f"{base}/products/sku/{path}x")).status_code == 404
    # A percent sign stands in a SKU alone: every other path has one spelling.
    assert (await client.get(f"{base}/products/sk%75/{path}")).json()["description"] == "No such route"


async def test_a_key_finds_its_product(client: httpx.AsyncClient) -> None:
    await put(client, 7, key="SKU-7 ñ")
    await put(client, 8, key="SKU-7")
    assert await found(client, key="SKU-7 ñ") == await found(client, key=unicodedata.normalize("NFD", "SKU-7 ñ")) == [7]
    assert await found(client, key="sku-7") == []
    assert await found(client, key="SKU-7", q="sku") == [8]
    assert await found(client, key="SKU-7", q="zapato") == []
    assert await found(client, key="SKU-7", since_id=8) == []
    assert await found(client, key="a\0b") == []


NAMED = {
    1: {"name": "Zapato rojo, de niño", "key": "SKU-12/red"},
    2: {"name": "BOTA DE CUERO №5"},
    3: {"key": "ab-77_x"},
    4: {"name": "Обувь Ёлка"},
    5: {"name": "赤い靴"},
    8: {"name": "Łódź Øre", "key": "Straße 8"},
}


@pytest.mark.parametrize(
    ("words", "ids"),
    {
        "zapa": [1],
        "ZAPATO": [1],
        "nino": [1],  # without the accent
        "NIÑ": [1],
        "rojo zap": [1],  # in any order
        "zapato azul": [],  # all of them
        "apato": [],  # from their beginnings
        "sku 12": [1],
        "sku-12/red": [1],
        "red": [1],
        "bota №5": [2],
        "77": [3],
        "x_77": [3],
        "обувь елка": [4],
        "ОБУВЬ": [4],
        "赤い": [5],
        "靴": [],
        "łodz øre straße": [8],
        "ŁÓDŹ ØRE": [8],
        "lodz": [],  # letters of their own
        "ore": [],
        "strasse": [],
        "vista 9": [],  # a product's key, and a text of its image
        "9": [7],
        "img 2034": [6],
        "IMG_2034.JPG": [6],
        "vista lateral": [7],
        "side": [7],
        "en": [],  # a language is no word of the text
        "n": [1],
        "tab": [7],
        "foo": [],
        "img lateral": [],  # of two images of one product
        "'": [],
        "-- &|!():*": [],
        "a\0b": [],
    }.items(),
    ids=str,
)
async def test_words(searched: httpx.AsyncClient, words: str, ids: list[int]) -> None:
    assert await found(searched, q=words) == ids


@pytest.fixture(scope="module")
async def searched(service: Service) -> Any:
    """A store with products to find, beside one with the same."""
    clients = []
    for _ in range(2):
        store = await service.new_store()
        client = service.client(headers={"Authorization": f"Bearer {store.token}"})
        for number, said in NAMED.items():
            await put(client, number, **said)
        await upload(client, 6, "IMG_2034.jpg")
        await put(client, 7, key="9")
        await upload(client, 7, "x.png", {"es": "Vista lateral", "en": 'Side\n"tab"'})
        await client.post("/v2/images.json", files=form(name="foo.png"))  # on no product
        clients.append(client)
    yield clients[0]
    for client in clients:
        await client.aclose()


async def test_a_search_needs_no_extension(service: Service) -> None:
    assert [row["extname"] for row in await service.database.raw("SELECT extname FROM pg_extension")] == ["plpgsql"]


async def test_a_search_sees_each_change(client: httpx.AsyncClient) -> None:
    image = await upload(client, 7, "before.png")
    assert await found(client, q="before") == [7]
    await client.put(f"/products/7/images/{image}", files=form(png("blue"), "after.png"))
    assert (await found(client, q="before"), await found(client, q="after")) == ([], [7])
    await client.put(f"/products/7/images/{image}", json={"alt": "Zapato"})
    assert await found(client, q="zapato") == [7]
    await client.delete(f"/products/7/images/{image}")
    assert await found(client, q="after") == []


async def test_texts_of_any_length_can_be_kept_and_found(client: httpx.AsyncClient) -> None:
    """A word of a tsvector has 2,046 bytes, all of one 1 MB."""
    image = await upload(client, 7, "x.png", "靴" * 2000)
    assert await found(client, q="靴" * 150) == [7]
    many = {f"l{number}": " ".join(chr(0x4E00 + number * 40 + each) for each in range(40)) for number in range(50)}
    assert (await client.put(f"/products/7/images/{image}", json={"alt": many})).status_code == 200
    await put(client, 8, name="n" * 500, key="k" * 200)
    assert await found(client, q="n" * 200) == await found(client, q="k" * 100) == [8]
    assert (await client.get("/products", params={"q": "x" * 201})).status_code == 422


async def test_a_broad_search_has_pages_too(client: httpx.AsyncClient) -> None:
    some = [1, 63, 64, 65, 1088, 2**53, 2**63 - 1]  # of the part that is searched first, and others
    await asyncio.gather(*(put(client, number, name=f"Zapato {number}") for number in some))
    first = await client.get("/products", params={"q": "zapato", "per_page": 3, "fields": "id"})
    assert (first.json(), first.headers["X-Total-Count"]) == ([{"id": 1}, {"id": 63}, {"id": 64}], "7")
    following = first.links["next"]["url"]
    assert [each["id"] for each in (await client.get(following)).json()] == [65, 1088, 2**53]
