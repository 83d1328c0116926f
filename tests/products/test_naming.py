"""Keys and names of products: said once, found again, one product a key however many ask at once."""

import asyncio
import json
import unicodedata

import httpx
import pytest
from sqlalchemy import insert

from image_service.images.models import GalleryRow
from image_service.stores.registry import NewStore
from tests.conftest import Service
from tests.shop import added

FIRST, BEYOND = 2**52, 2**53
KEYS = {
    "a SKU": "SKU-12/red",
    "a UUID": "0b8f6a4e-32d1-4a9e-9d0c-0d6f3f6f2a11",
    "blanks": " 12 ",
    "another alphabet": "Обувь № 5",
    "no words": "👟/%?#&",
    "as long as can be": "Ж" * 200,
}


async def put(client: httpx.AsyncClient, product: int, **said: object) -> httpx.Response:
    return await client.put(f"/products/{product}", json=said)


async def made(client: httpx.AsyncClient, key: str, **said: object) -> int:
    answer = await client.post("/products", json={"key": key, **said})
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["id"]
    return number


async def test_a_product_is_described_a_field_at_a_time(client: httpx.AsyncClient) -> None:
    assert (await put(client, 7, name="Zapato")).json() == {"id": 7, "key": None, "name": "Zapato"}
    assert (await put(client, 7, key="SKU")).json() == {"id": 7, "key": "SKU", "name": "Zapato"}
    assert (await put(client, 7)).json() == {"id": 7, "key": "SKU", "name": "Zapato"}
    assert (await put(client, 7, name=None)).json() == {"id": 7, "key": "SKU", "name": None}
    assert (await put(client, 7, key=None)).json() == {"id": 7, "key": None, "name": None}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
async def test_a_key_finds_what_it_made(client: httpx.AsyncClient, key: str) -> None:
    number = await made(client, key, name="Zapato")
    assert FIRST <= number < BEYOND
    again = await client.post("/products", json={"key": key, "name": "Bota"})
    assert (again.status_code, again.json()) == (200, {"id": number, "key": key, "name": "Zapato"})
    assert again.headers["Location"].endswith(f"/products/{number}")


async def test_a_key_has_one_spelling(client: httpx.AsyncClient) -> None:
    """macOS decomposes what others compose."""
    number = await made(client, unicodedata.normalize("NFD", "Ñandú"))
    again = await client.post("/products", json={"key": unicodedata.normalize("NFC", "Ñandú")})
    assert (again.status_code, again.json()["id"]) == (200, number)
    assert again.json()["key"] == unicodedata.normalize("NFC", "Ñandú")
    assert (await client.post("/products", json={"key": "ñandú"})).status_code == 201  # capitals count


async def test_one_product_for_a_key_however_many_ask(client: httpx.AsyncClient) -> None:
    for attempt in range(5):
        asked = [client.post("/products", json={"key": f"SKU-{attempt}"}) for _ in range(20)]
        answers = await asyncio.gather(*asked)
        assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
        assert len({answer.json()["id"] for answer in answers}) == 1


async def test_a_key_that_is_given_and_taken_at_once(client: httpx.AsyncClient) -> None:
    """Whatever comes first, nobody is told of a product that has not the key, and no two have it."""
    numbers = [await made(client, f"SKU-{number}") for number in range(4)]
    await asyncio.gather(*(put(client, number, key=None) for number in numbers))
    taking = [put(client, number, key="wanted") for number in numbers] + [
        client.post("/products", json={"key": "wanted"}) for _ in range(4)
    ]
    answers = await asyncio.gather(*taking)
    winners = {answer.json()["id"] for answer in answers if answer.status_code < 300}
    assert len(winners) == 1
    refused = [answer for answer in answers if answer.status_code >= 300]
    assert {answer.json()["code"] for answer in refused} == {"product_key_taken"}


async def test_numbers_that_the_store_uses_itself_are_not_given(
    service: Service, client: httpx.AsyncClient, store: NewStore
) -> None:
    first = await made(client, "before")
    mine = [{"store_id": store.store_id, "product_id": first + 1 + n, "revision": 1} for n in range(150)]
    async with service.database.transaction() as session:  # of the very ones that come next
        await session.exec(insert(GalleryRow).values(mine))
    assert (await put(client, first + 151, name="by hand")).status_code == 200
    number = await made(client, "after")
    assert first + 151 < number < BEYOND


async def test_stores_do_not_share_keys(service: Service, client: httpx.AsyncClient) -> None:
    mine = await made(client, "SKU", name="Zapato")
    other = await service.new_store()
    async with service.client(headers={"Authorization": f"Bearer {other.token}"}) as another:
        assert await made(another, "SKU") != mine
        assert (await put(another, mine, key="mine")).json() == {"id": mine, "key": "mine", "name": None}
    assert (await put(client, mine)).json()["name"] == "Zapato"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"key": ""}, "key"),
        ({"key": "   "}, "key"),
        ({"key": "x" * 201}, "key"),
        ({"key": 12}, "key"),
        ({"key": "a\0"}, "key"),
        ({"key": "\ud800"}, "key"),
        ({"name": ""}, "name"),
        ({"name": "x" * 501}, "name"),
        ({"name": {"en": "A shoe"}}, "name"),
        ({"title": "A shoe"}, "title"),
    ],
)
async def test_what_cannot_be_used(client: httpx.AsyncClient, said: dict[str, object], field: str) -> None:
    as_json = {"Content-Type": "application/json"}  # with escapes: httpx writes none
    for method, path, body in (("PUT", "/products/7", said), ("POST", "/products", {"key": "k", **said})):
        answer = await client.request(method, path, content=json.dumps(body), headers=as_json)
        assert answer.status_code == 422, answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert (problem["code"], problem["status"], problem["title"]) == ("invalid_field", 422, "Unprocessable Entity")
        assert problem["errors"].keys() == {field}
        assert problem["detail"].startswith(f"{field}: ")


async def test_a_key_is_wanted(client: httpx.AsyncClient) -> None:
    for body in ({}, {"name": "Zapato"}, {"key": None}):
        answer = await client.post("/products", json=body)
        assert (answer.status_code, answer.json()["errors"].keys()) == (422, {"key"})


async def test_anothers_key(client: httpx.AsyncClient) -> None:
    await put(client, 7, key="SKU")
    taken = await put(client, 8, key="SKU", name="Bota")
    assert (taken.status_code, taken.json()["code"]) == (422, "product_key_taken")
    assert (await put(client, 8)).json() == {"id": 8, "key": None, "name": None}  # nor has it the name


async def test_a_change_counts_the_revision_up(client: httpx.AsyncClient) -> None:
    """So that what is cached of a product, and whoever changes it at the same time, hear of a new name."""
    await added(client, 7)
    tag = (await client.get("/products/7")).headers["ETag"]
    named = await client.put("/products/7", json={"name": "Zapato"}, headers={"If-Match": tag})
    assert named.status_code == 200
    late = await client.put("/products/7", json={"name": "Bota"}, headers={"If-Match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    same = await client.put("/products/7", json={"name": "Zapato"}, headers={"If-Match": named.headers["ETag"]})
    assert same.headers["ETag"] == named.headers["ETag"]  # nothing has changed
    upload = await client.post("/products/7/images", json={"src": "x"}, headers={"If-Match": tag})
    assert upload.status_code in (412, 422)


async def test_a_repeat_is_answered_as_the_first_was(client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "a-product"}
    first = await client.post("/products", json={"key": "SKU"}, headers=headers)
    again = await client.post("/products", json={"key": "SKU"}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    other = await client.post("/products", json={"key": "SKU-2"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "key_refused")


async def test_a_removed_store_takes_its_products_along(service: Service) -> None:
    store = await service.new_store()
    async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        await put(client, 7, key="SKU", name="Zapato")
        await service.remove_store(store.store_id)
        assert (await put(client, 8, key="SKU")).status_code == 401
    again = await service.new_store(store_id=store.store_id)
    async with service.client(headers={"Authorization": f"Bearer {again.token}"}) as client:
        assert (await put(client, 7)).json() == {"id": 7, "key": None, "name": None}


async def test_other_methods_on_these_paths_speak_as_they_did(client: httpx.AsyncClient) -> None:
    missing = await client.get("/products/7")
    assert (missing.status_code, missing.headers["Content-Type"]) == (404, "application/json")
    unknown = await client.put("/products/seven", json={})
    assert (unknown.status_code, unknown.headers["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(("method", "route"), [("PUT", "/products/7"), ("POST", "/webhooks"), ("POST", "/uploads")])
async def test_a_field_whose_name_is_half_a_character(client: httpx.AsyncClient, method: str, route: str) -> None:
    json = {"Content-Type": "application/json"}
    refused = await client.request(method, route, content='{"\\ud800": 1}', headers=json)
    assert (refused.status_code, "contains characters that cannot be stored" in refused.text) == (422, True)
