"""Refusals: `errors` is a sentence or a map, with the statuses that its clients know."""

from typing import Any

import httpx
import pytest

from image_service.stores import tokens
from image_service.stores.tokens import Scope
from tests.conftest import API, StartService
from tests.ingest.server import ScriptedServer
from tests.shop import page
from tests.shopify.conftest import IMAGES, PREFIX, PRODUCT, Shop, attachment, one

UNKNOWN = (404, {"errors": "Not Found"})
CALLS = "X-Shopify-Shop-Api-Call-Limit"


def told(answer: httpx.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json()


async def test_what_is_not_there(shop: Shop) -> None:
    image = await shop.add()
    elsewhere = one(image | {"product_id": 7})
    for path in (f"/products/{PRODUCT}/images/{2**62}.json", elsewhere, one(image | {"id": "x"}), "/shop.json"):
        assert told(await shop.client.get(path)) == UNKNOWN
    for path in (f"/products/{PRODUCT}/images/{2**62}.json", elsewhere):
        assert told(await shop.client.put(path, json={"image": {"alt": "A shoe"}})) == UNKNOWN
        assert told(await shop.client.delete(path)) == UNKNOWN
    assert len(await shop.listed()) == 1


@pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin/api", "/admin/api/2026-01"])
async def test_a_prefix_alone(shop: Shop, path: str) -> None:
    answer = await shop.client.get(f"{API}{path}")
    assert (told(answer), answer.headers[CALLS]) == (UNKNOWN, "1/40")


async def test_another_store_s_image(shop: Shop) -> None:
    image = await shop.add()
    other = await shop.service.new_store()
    shop.client.headers["X-Shopify-Access-Token"] = other.token
    assert told(await shop.client.get(one(image))) == UNKNOWN
    assert told(await shop.client.put(one(image), json={"image": {"alt": "A shoe"}})) == UNKNOWN
    assert told(await shop.client.delete(one(image))) == UNKNOWN


async def test_a_wrong_token(shop: Shop) -> None:
    shop.client.headers["X-Shopify-Access-Token"] = "shpat_0123456789abcdef0123456789abcdef"
    answer = await shop.client.get(IMAGES)
    wrong = "[API] Invalid API key or access token (unrecognized login or wrong password)"
    assert told(answer) == (401, {"errors": wrong})
    assert answer.headers[CALLS] == "1/40"


async def test_a_token_that_may_only_read(shop: Shop) -> None:
    shop.client.headers["X-Shopify-Access-Token"] = await tokens.issue(
        shop.service.database, shop.store.store_id, Scope.READ
    )
    assert await shop.listed() == []
    assert told(await shop.client.post(IMAGES, json=attachment())) == (
        403,
        {"errors": "The access token may only read"},
    )


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"image": null}', '{"image": [1]}', '{"src": "http://a/b"}'])
async def test_no_image_in_the_body(shop: Shop, body: str) -> None:
    image = await shop.add()
    expected = (400, {"errors": {"image": "Required parameter missing or invalid"}})
    assert told(await shop.client.post(IMAGES, content=body)) == expected
    assert told(await shop.client.put(one(image), content=body)) == expected


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({}, {"image": ["A src or an attachment is needed"]}),
        ({"src": ""}, {"image": ["A src or an attachment is needed"]}),
        ({"attachment": "!"}, {"image": ["The attachment is not base64"]}),
        ({"src": "shoe.png"}, {"image": ["The URL must be an http:// or https:// URL"]}),
        ({"src": "http://example.com/a", "attachment": "R0lG"}, {"attachment": ["can't be given together with src"]}),
        ({"position": 0}, {"position": ["must be greater than or equal to 1"]}),
        ({"position": "first"}, {"position": ["must be an integer"]}),
        ({"alt": {"en": "A shoe"}}, {"alt": ["must be a string"]}),
        ({"alt": "x" * 2001}, {"alt": ["is too long (maximum is 2000 characters)"]}),
        ({"alt": "\0"}, {"alt": ["contains characters that cannot be stored"]}),
        ({"variant_ids": 7}, {"variant_ids": ["must be a list"]}),
        ({"variant_ids": [True]}, {"variant_ids": ["must be an integer"]}),
        ({"variant_ids": [0]}, {"variant_ids": ["must be greater than or equal to 1"]}),
        ({"variant_ids": [2**63]}, {"variant_ids": [f"must be less than or equal to {2**63 - 1}"]}),
        ({"variant_ids": [1] * 1001}, {"variant_ids": ["is too long (maximum is 1000 entries)"]}),
    ],
)
async def test_fields_that_cannot_be_used(shop: Shop, fields: dict[str, Any], errors: dict[str, list[str]]) -> None:
    assert told(await shop.client.post(IMAGES, json={"image": fields})) == (422, {"errors": errors})
    assert await shop.listed() == []


async def test_pictures_that_are_not_taken(shop: Shop, server: ScriptedServer) -> None:
    server.pages["/gone.png"] = page(b"", "404 Not Found")
    server.pages["/page.png"] = page(b"<!doctype html><html></html>")
    answer = await shop.client.post(IMAGES, json={"image": {"src": server.url("/gone.png")}})
    assert told(answer) == (422, {"errors": {"image": ["The URL answered 404"]}})
    answer = await shop.client.post(IMAGES, json={"image": {"src": server.url("/page.png")}})
    assert answer.status_code == 422
    assert answer.json()["errors"]["image"][0].startswith("web page: must be a jpg, png")


async def test_a_full_product(start_service: StartService, shop: Shop) -> None:
    headers = {"X-Shopify-Access-Token": shop.store.token}
    async with start_service(max_images_per_product=1) as small, small.client(headers=headers) as client:
        assert (await client.post(PREFIX + IMAGES, json=attachment())).status_code == 200
        answer = await client.post(PREFIX + IMAGES, json=attachment())
    assert told(answer) == (422, {"errors": {"image": ["The product may not have more than 1 images"]}})


async def test_other_methods_and_bodies(shop: Shop) -> None:
    answer = await shop.client.patch(IMAGES)
    assert told(answer) == (405, {"errors": "This method is not allowed here"})
    assert answer.headers["Allow"] == "GET, HEAD, POST"
    answer = await shop.client.patch(f"/products/{PRODUCT}/images/count.json")
    assert answer.headers["Allow"] == "GET, HEAD"
    answer = await shop.client.patch(f"http://api.test/admin{IMAGES}")
    assert answer.headers["Allow"] == "GET, HEAD, POST"
    answer = await shop.client.post(
        IMAGES, content="a=b", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 415
    assert isinstance(answer.json()["errors"], str)


async def test_calls_are_told_as_its_clients_read_them(start_service: StartService, shop: Shop) -> None:
    assert (await shop.client.get(IMAGES)).headers[CALLS] == "1/40"  # no limit is set
    headers = {"X-Shopify-Access-Token": shop.store.token}
    async with (
        start_service(rate_limit_bucket=2, rate_limit_per_second=2) as limited,
        limited.client(headers=headers) as client,
    ):
        answers = [await client.get(PREFIX + IMAGES) for _ in range(2)]
        assert [answer.headers[CALLS] for answer in answers] == ["1/2", "2/2"]
        assert not [name for name in answers[0].headers if name.startswith("x-rate-limit")]


async def test_an_answer_that_is_counted_for_no_store_says_the_size_too(start_service: StartService) -> None:
    async with (
        start_service(rate_limit_bucket=2, rate_limit_per_second=2, auth_failures_per_minute=1) as limited,
        limited.client() as client,
    ):
        answers = [await client.get(f"{PREFIX}/shop.json"), await client.patch(PREFIX + IMAGES)]
        wrong = {"X-Shopify-Access-Token": "shpat_0123456789abcdef0123456789abcdef"}
        answers += [await client.get(PREFIX + IMAGES, headers=headers) for headers in ({}, wrong, wrong)]
    assert [(answer.status_code, answer.headers[CALLS]) for answer in answers] == [
        (404, "1/2"),
        (405, "1/2"),
        (401, "1/2"),
        (401, "1/2"),
        (429, "1/2"),
    ]


async def test_one_call_too_many(start_service: StartService, shop: Shop) -> None:
    headers = {"X-Shopify-Access-Token": shop.store.token}
    for per_second, wait in ((0.5, "2.0"), (0.01, "100.0")):
        async with (
            start_service(rate_limit_bucket=1, rate_limit_per_second=per_second) as limited,
            limited.client(headers=headers) as client,
        ):
            store = await limited.new_store()
            client.headers["X-Shopify-Access-Token"] = store.token
            await client.get(PREFIX + IMAGES)
            answer = await client.get(PREFIX + IMAGES)
            assert (answer.status_code, answer.headers["Retry-After"], answer.headers[CALLS]) == (429, wait, "1/1")
            assert list(answer.json()) == ["errors"]
