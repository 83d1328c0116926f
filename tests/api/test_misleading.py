"""Mistakes that clients make at first: the answer says what was seen, and what is wanted."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from image_service.stores.registry import NewStore
from tests.conftest import API, PHOTOS, Service
from tests.shop import PRODUCT, added, form, png

IMAGES = f"/products/{PRODUCT}/images"
ATTACHMENT = base64.b64encode(png()).decode()


@pytest.fixture
async def shopify(service: Service, store: NewStore) -> AsyncIterator[httpx.AsyncClient]:
    async with service.client(headers={"X-Shopify-Access-Token": store.token}) as client:
        client.base_url = httpx.URL(f"{API}/admin/api/2026-01")
        yield client


@pytest.mark.parametrize("name", ["image", "images[]", "files[0]", "photo-1"])
async def test_a_file_under_another_name(client: httpx.AsyncClient, name: str) -> None:
    files = {name: ("a.png", png())}
    message = f"{name} was sent, file is wanted"
    answer = await client.post(IMAGES, files=files)
    assert (answer.status_code, answer.json()) == (422, {"file": [f"can't be blank: {message}"]})
    assert answer.headers["Problem"] == "nothing_given"
    answer = await client.post("/v2/images.json", files=files)
    assert (answer.status_code, answer.json()["message"]) == (422, "Harus berupa file gambar")
    url = (await client.post("/uploads", json={})).json()["url"]
    assert (await client.post(url, files=files)).json() == {"file": [f"can't be blank: {message}"]}
    id_ = (await added(client))["id"]
    assert (await client.put(f"{IMAGES}/{id_}", files=files)).json() == {"file": [f"can't be blank: {message}"]}


@pytest.mark.parametrize(
    ("body", "field", "seen"),
    [
        ({"url": "https://a.test/x.png"}, "src", "url"),
        ({"alt": "http://a.test", "image_url": "//a.test/x.png", "position": 1}, "src", "image_url"),
        ({"image": ATTACHMENT}, "attachment", "image"),
        ({"data": f"data:image/png;base64,{ATTACHMENT}"}, "attachment", "data"),
        ({"image": {"src": "https://a.test/x.png"}}, "src", "image.src"),
        ({"image": {"attachment": ATTACHMENT}}, "attachment", "image.attachment"),
    ],
)
async def test_a_field_under_another_name(
    client: httpx.AsyncClient, body: dict[str, Any], field: str, seen: str
) -> None:
    expected = {field: [f"can't be blank: {seen} was sent, {field} is wanted"]}
    answer = await client.post(IMAGES, json=body)
    assert (answer.status_code, answer.json()) == (422, expected)
    id_ = (await added(client))["id"]
    assert (await client.put(f"{IMAGES}/{id_}", json=body)).json() == expected


PHOTO = base64.b64encode((PHOTOS / "coffee-orientation-6.jpg").read_bytes()).decode()


@pytest.mark.parametrize("rest", [{"alt": "blue"}, {"position": "1"}, {"id": "{id}"}, {"src": "{src}"}], ids=str)
async def test_a_file_under_another_name_beside_a_change(
    client: httpx.AsyncClient, shopify: httpx.AsyncClient, rest: dict[str, str]
) -> None:
    image = await added(client)
    data = {name: value.format(**image) for name, value in rest.items()}
    files = {"image": ("blue.png", png("blue"))}
    answer = await client.put(f"{IMAGES}/{image['id']}", files=files, data=data)
    assert (answer.status_code, answer.json()) == (422, {"file": ["can't be blank: image was sent, file is wanted"]})
    answer = await shopify.put(f"{IMAGES}/{image['id']}.json", files=files, data=data)
    assert (answer.status_code, answer.headers["Problem"]) == (422, "nothing_given")
    assert (await client.get(f"{IMAGES}/{image['id']}")).json() == image


@pytest.mark.parametrize(
    ("body", "field", "seen"),
    [
        ({"url": "http://a.test/red.jpg"}, "src", "url"),
        ({"main_image": "https://a.test/1234"}, "src", "main_image"),
        ({"link": "https://a.test/red.PNG?v=1"}, "src", "link"),
        ({"image": {"src": "https://a.test/1234"}}, "src", "image.src"),
        ({"data": PHOTO}, "attachment", "data"),
        ({"data": f"data:image/jpeg;base64,{PHOTO}", "src": "{src}"}, "attachment", "data"),
        ({"file": {"attachment": PHOTO}}, "attachment", "file.attachment"),
    ],
)
async def test_a_field_under_another_name_beside_a_change(
    client: httpx.AsyncClient, shopify: httpx.AsyncClient, body: dict[str, Any], field: str, seen: str
) -> None:
    image = await added(client)
    sent = {"position": 1, "alt": "blue"} | body | ({"src": image["src"]} if "src" in body else {})
    expected = {field: [f"can't be blank: {seen} was sent, {field} is wanted"]}
    answer = await client.put(f"{IMAGES}/{image['id']}", json=sent)
    assert (answer.status_code, answer.json()) == (422, expected)
    answer = await shopify.put(f"{IMAGES}/{image['id']}.json", json={"image": {"id": image["id"]} | sent})
    assert (answer.status_code, answer.headers["Problem"]) == (422, "nothing_given")
    if not any(isinstance(value, dict) for value in sent.values()):
        parts = {name: (None, str(value)) for name, value in sent.items()}
        assert (await client.put(f"{IMAGES}/{image['id']}", files=parts)).json() == expected
        answer = await shopify.put(f"{IMAGES}/{image['id']}.json", files=parts)
        assert (answer.status_code, answer.headers["Problem"]) == (422, "nothing_given")
    assert (await client.get(f"{IMAGES}/{image['id']}")).json() == image


LARGE = base64.b64encode((PHOTOS / "rocket.jpg").read_bytes()).decode()


@pytest.mark.parametrize(
    ("body", "field", "seen"),
    [
        ({"image": {"attachment": "A" * 70_000}}, "attachment", "image.attachment"),
        ({"image": {"attachment": LARGE}, "position": 1}, "attachment", "image.attachment"),
        ({"image": {"src": f"data:image/jpeg;base64,{LARGE}"}}, "src", "image.src"),
        ({"data": LARGE, "alt": "blue"}, "attachment", "data"),
        ({"data": f"data:image/jpeg;base64,{LARGE}"}, "attachment", "data"),
    ],
)
async def test_a_field_under_another_name_whatever_it_weighs(
    client: httpx.AsyncClient, shopify: httpx.AsyncClient, body: dict[str, Any], field: str, seen: str
) -> None:
    expected = {field: [f"can't be blank: {seen} was sent, {field} is wanted"]}
    own = f"{IMAGES}/{(await added(client))['id']}"
    for text in (json.dumps(body), json.dumps(body).replace("/", "\\/")):
        for method, path in (("POST", IMAGES), ("PUT", own)):
            answer = await client.request(method, path, content=text, headers={"Content-Type": "application/json"})
            assert (answer.status_code, answer.json()) == (422, expected)
    answer = await shopify.put(f"{own}.json", json={"image": body})
    assert (answer.status_code, answer.headers["Problem"]) == (422, "nothing_given")


async def test_a_picture_outside_of_shopifys_image(shopify: httpx.AsyncClient) -> None:
    for body in ({"attachment": LARGE}, {"attachment": "A" * 70_000}, {"image": LARGE}, {"images": [{"src": LARGE}]}):
        answer = await shopify.post(f"{IMAGES}.json", json=body)
        assert (answer.status_code, answer.json()) == (
            400,
            {"errors": {"image": "Required parameter missing or invalid"}},
        )


async def test_beside_a_picture_a_long_text_is_too_much(client: httpx.AsyncClient) -> None:
    for given in ({"attachment": ATTACHMENT}, {"src": "https://a.test/x.png"}):
        for long in ({"data": LARGE}, {"image": {"attachment": LARGE}}):
            answer = await client.post(IMAGES, json=given | long)
            assert (answer.status_code, answer.headers["Problem"]) == (413, "body_too_long")
    answer = await client.post(IMAGES, json={"alt": {"attachment": LARGE}})
    assert (answer.status_code, answer.headers["Problem"]) == (413, "body_too_long")


async def test_in_shopifys_dialect_a_new_image_wants_the_right_name_too(shopify: httpx.AsyncClient) -> None:
    for sent in ({"json": {"image": {"url": "http://a.test/red.jpg"}}}, {"files": {"image": ("a.png", png())}}):
        answer = await shopify.post(f"{IMAGES}.json", **sent)
        assert (answer.status_code, answer.headers["Problem"]) == (422, "nothing_given")


async def test_an_image_is_sent_back_as_it_was_read(client: httpx.AsyncClient, shopify: httpx.AsyncClient) -> None:
    id_ = (await added(client, alt="A shoe"))["id"]
    own = f"{IMAGES}/{id_}?fields=all"
    before = (await client.get(own)).json()
    tag = (await client.get(own)).headers["ETag"]
    without_src = {name: value for name, value in before.items() if name != "src"}
    its_own = {"image_url": before["src"], "link": "https://a.test/shoe", "checksum": "ab" * 64, "position": 1}
    for body in (before, without_src, its_own, {"id": id_, "url": before["variants"][0]["url"]}):
        assert (await client.put(own, json=body)).json() == before
        answer = await shopify.put(f"{IMAGES}/{id_}.json", json={"image": {"id": id_} | body})
        assert answer.status_code == 200, answer.text
    assert (await client.get(own)).headers["ETag"] == tag
    assert (await shopify.put(f"{IMAGES}/{id_}.json", json={"image": {"id": id_, "link": "http://x"}})).is_success


async def test_a_name_is_shown_only_if_it_is_one(client: httpx.AsyncClient) -> None:
    for name in ("<b>", "a" * 50, "é", "a b"):
        answer = await client.post(IMAGES, files={name: ("a.png", png())})
        assert answer.json() == {"file": ["can't be blank: another field was sent, file is wanted"]}


async def test_what_is_not_a_picture_changes_nothing_in_the_answer(client: httpx.AsyncClient) -> None:
    for body in ({}, {"alt": "https://a.test/x.png"}, {"name": "x"}, {"id": None, "tags": ["https://a.test/x.png"]}):
        assert (await client.post(IMAGES, json=body)).json() == {"src": ["can't be blank"]}
    id_ = (await added(client))["id"]
    assert (await client.put(f"{IMAGES}/{id_}", json={"position": 1, "link": "https://a.test"})).status_code == 200


async def test_a_path_that_holds_no_number_says_so(client: httpx.AsyncClient) -> None:
    for path in (
        "/products/SKU-12/images",
        "/products/SKU-12",
        "/images/x",
        "/products/1/images/0",
        "/product/a/images",
    ):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["Problem"]) == (404, "image_not_found")
        assert "an id is a whole number" in answer.json()["description"]
    assert "number" not in (await client.get("/images/999999999")).json()["description"]


async def test_the_singular_is_an_alias_for_creating_too(client: httpx.AsyncClient) -> None:
    made = await client.post(f"/product/{PRODUCT}/images", files=form())
    assert made.status_code == 201
    assert (await client.get(f"/product/{PRODUCT}/images")).json() == [made.json()]
    assert made.headers["Location"].endswith(f"/products/{PRODUCT}/images/{made.json()['id']}")
