"""`on_duplicate`, in every dialect and by every way to send a picture."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from image_service.stores.registry import NewStore
from tests.conftest import Service
from tests.ingest.server import ScriptedServer
from tests.shop import PRODUCT, form, orphan, page, png
from tests.uploads.tickets import at, left, ticket

IMAGES = f"/products/{PRODUCT}/images"
REUSE, REFUSE = {"on_duplicate": "reuse"}, {"on_duplicate": "refuse"}


async def count(client: httpx.AsyncClient, product: int = PRODUCT) -> int:
    return int((await client.get(f"/products/{product}/images")).headers["X-Total-Count"])


async def first(client: httpx.AsyncClient) -> dict[str, Any]:
    """A red picture on the product."""
    image: dict[str, Any] = (await client.post(IMAGES, files=form())).raise_for_status().json()
    return image


Ways = dict[str, Callable[[str], dict[str, Any]]]
WAYS: Ways = {
    "a form": lambda _: {"files": form(name="other.png")},
    "base64": lambda _: {"json": {"attachment": base64.b64encode(png()).decode(), "filename": "b.png"}},
    "a URL": lambda url: {"json": {"src": url}},
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_by_every_way(client: httpx.AsyncClient, server: ScriptedServer, way: Any) -> None:
    image = await first(client)
    server.pages["/red.png"] = page(png())
    sent = way(server.url("/red.png"))
    tag = (await client.get(IMAGES)).headers["ETag"]
    reused = await client.post(IMAGES, params=REUSE, **sent)
    assert (reused.status_code, reused.json()) == (200, image)
    assert reused.headers["Location"].endswith(f"{IMAGES}/{image['id']}")
    refused = await client.post(IMAGES, params=REFUSE, **sent)
    assert (refused.status_code, refused.headers["Problem"]) == (409, "duplicate")
    assert refused.json() == {
        "code": 409,
        "message": "Conflict",
        "description": f"The product has this picture already: image {image['id']}",
    }
    assert (await client.get(IMAGES)).headers["ETag"] == tag  # nothing has changed
    added = await client.post(IMAGES, params={"on_duplicate": "add"}, **sent)
    assert added.status_code == 201
    assert await count(client) == 2


async def test_what_the_product_has_not_is_added(client: httpx.AsyncClient) -> None:
    await first(client)
    for policy, color in ((REUSE, "blue"), (REFUSE, "green")):
        answer = await client.post(IMAGES, params=policy, files=form(png(color)))
        assert answer.status_code == 201
    elsewhere = await client.post("/products/2/images", params=REFUSE, files=form())  # another product has it
    assert elsewhere.status_code == 201
    assert await count(client) == 3


async def test_in_the_other_dialects(client: httpx.AsyncClient, store: NewStore) -> None:
    image = await first(client)
    body = {"image": {"attachment": base64.b64encode(png()).decode()}}
    path = f"/admin/api/2026-01/products/{PRODUCT}/images.json"
    refused = await client.post(path, params=REFUSE, json=body, headers={"X-Shopify-Access-Token": store.token})
    assert (refused.status_code, refused.headers["Problem"]) == (409, "duplicate")
    assert refused.json() == {"errors": {"image": [f"The product has this picture already: image {image['id']}"]}}
    reused = await client.post(path, params=REUSE, json=body, headers={"X-Shopify-Access-Token": store.token})
    assert (reused.status_code, reused.json()["image"]["id"]) == (200, image["id"])
    versioned = await client.post(f"/v1/{store.store_id}{IMAGES}", params=REUSE, files=form())
    assert (versioned.status_code, versioned.json()["id"]) == (200, image["id"])
    assert await count(client) == 1


async def test_a_ticket_is_not_used_up_by_what_is_there(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    made = await ticket(client, product_id=PRODUCT, files=2)
    answers = [await anyone.post(f"{at(made)}&on_duplicate={policy}", files=form()) for policy in ("reuse", "reuse")]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[1].json() == answers[0].json()
    refused = await anyone.post(f"{at(made)}&on_duplicate=refuse", files=form())
    assert (refused.status_code, refused.headers["Problem"]) == (409, "duplicate")
    assert await left(client, made) == 1


async def test_an_orphan_with_the_same_bytes(client: httpx.AsyncClient) -> None:
    image = await first(client)
    loose = await orphan(client)
    refused = await client.post(IMAGES, params=REFUSE, json={"image_id": loose})
    assert (refused.status_code, refused.headers["Problem"]) == (409, "duplicate")
    reused = await client.post(IMAGES, params=REUSE, json={"image_id": loose})
    assert (reused.status_code, reused.json()["id"]) == (200, image["id"])
    assert (await client.get(f"/images/{loose}")).json()["product_id"] is None
    other = await orphan(client, png("blue"))
    assert (await client.post(IMAGES, params=REFUSE, json={"image_id": other})).status_code == 201
    for unknown, words in ((other, "is already assigned to a product"), (10**9, "does not exist")):
        answer = await client.post(IMAGES, params=REUSE, json={"image_id": unknown})
        assert (answer.status_code, answer.json()) == (422, {"image_id": [words]})


async def test_orphans_may_be_the_same(client: httpx.AsyncClient) -> None:
    answers = [await client.post("/v2/images.json", params=REFUSE, files=form()) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]


@pytest.mark.parametrize("policy", ["reuse", "refuse"])
async def test_equal_uploads_at_once_make_one_image(client: httpx.AsyncClient, policy: str) -> None:
    for color in ("red", "blue", "green"):
        sent = [client.post(IMAGES, params={"on_duplicate": policy}, files=form(png(color))) for _ in range(8)]
        answers = await asyncio.gather(*sent)
        others = 200 if policy == "reuse" else 409
        assert sorted(answer.status_code for answer in answers) == sorted([201] + [others] * 7)
        if policy == "reuse":
            assert len({answer.json()["id"] for answer in answers}) == 1
    assert await count(client) == 3


async def test_no_bytes_are_left_behind(service: Service, client: httpx.AsyncClient) -> None:
    async def originals() -> set[str]:
        return {blob.name async for blob in service.storage.list("private/")}

    await first(client)
    before = await originals()
    for policy in (REUSE, REFUSE):
        await asyncio.gather(*(client.post(IMAGES, params=policy, files=form()) for _ in range(4)))
    assert await originals() == before


async def test_with_a_key_a_repeat_gets_the_first_answer(client: httpx.AsyncClient) -> None:
    image = await first(client)
    headers = {"Idempotency-Key": "once"}
    answers = [await client.post(IMAGES, params=REUSE, files=form(), headers=headers) for _ in range(2)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, image)] * 2
    await client.delete(f"{IMAGES}/{image['id']}")
    again = await client.post(IMAGES, params=REUSE, files=form(), headers=headers)
    assert (again.status_code, again.json()) == (200, image)
    assert await count(client) == 0
    other = await client.post(IMAGES, params=REFUSE, files=form(), headers=headers)
    assert (other.status_code, other.headers["Problem"]) == (422, "key_refused")
    # A refusal is no success: with the same key it is decided anew.
    image = await first(client)
    headers = {"Idempotency-Key": "another"}
    refused = await client.post(IMAGES, params=REFUSE, files=form(), headers=headers)
    await client.delete(f"{IMAGES}/{image['id']}")
    added = await client.post(IMAGES, params=REFUSE, files=form(), headers=headers)
    assert (refused.status_code, added.status_code) == (409, 201)


async def test_conditions_hold_for_what_is_there_too(client: httpx.AsyncClient) -> None:
    await first(client)
    tag = (await client.get(IMAGES)).headers["ETag"]
    reused = await client.post(IMAGES, params=REUSE, files=form(), headers={"If-Match": tag})
    assert reused.status_code == 200
    await client.post(IMAGES, files=form(png("blue")))
    late = await client.post(IMAGES, params=REUSE, files=form(), headers={"If-Match": tag})
    assert late.status_code == 412


async def test_another_word_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(IMAGES, params={"on_duplicate": "ignore"}, files=form())
    assert (answer.status_code, answer.json()) == (422, {"on_duplicate": ["must be 'add', 'reuse' or 'refuse'"]})
