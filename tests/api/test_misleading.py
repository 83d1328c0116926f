"""Mistakes that clients make at first: the answer says what was seen, and what is wanted."""

import base64
from typing import Any

import httpx
import pytest

from tests.shop import PRODUCT, added, form, png

IMAGES = f"/products/{PRODUCT}/images"
ATTACHMENT = base64.b64encode(png()).decode()


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
    if "position" not in body:
        id_ = (await added(client))["id"]
        assert (await client.put(f"{IMAGES}/{id_}", json=body)).json() == expected


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
