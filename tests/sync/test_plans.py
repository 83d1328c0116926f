"""`dry_run`: what a run would do, without a write and without a picture."""

from typing import Any

import httpx

from image_service.stores import tokens
from image_service.stores.registry import NewStore
from image_service.stores.tokens import Scope
from tests.conftest import Service
from tests.shop import form, png
from tests.sync.calls import GALLERY, failures, ids, outcomes, put, shown, synced
from tests.sync.host import Shop
from tests.sync.test_sync import digest, originals

PLAN = "&dry_run=true"


async def test_it_tells_all_and_does_nothing(client: httpx.AsyncClient, shop: Shop, service: Service) -> None:
    colors = ("red", "blue", "green", "gold", "gray")
    red, blue, green, gold, gray = (shop.has(f"/{color}", png(color)) for color in colors)
    await client.post("/products/2/images", files=form(png("pink")))
    first = await synced(client, [{"src": url} for url in (red, blue, green, gold)])
    shop.has("/green", png("black"))
    shop.down = {"/gold": 503}
    shop.forget()
    before, stored = await shown(client), originals(service)
    entries: list[dict[str, Any]] = [
        {"src": gold},
        {"src": green},
        {"src": gray},
        {"sha256": digest(png("pink"))},
        {"src": red, "alt": "Red"},
        {"id": 2**60},
    ]
    plan = await synced(client, entries, PLAN)
    assert plan["receipts"] == [
        {"index": 0, "id": ids(first)[3], "outcome": "failed", "reason": "host_error", "status": 503},
        {"index": 1, "id": ids(first)[2], "outcome": "fetch", "reason": None, "status": None},
        {"index": 2, "id": None, "outcome": "fetch", "reason": None, "status": None},
        {"index": 3, "id": None, "outcome": "copied", "reason": None, "status": None},
        {"index": 4, "id": ids(first)[0], "outcome": "described", "reason": None, "status": None},
        {"index": 5, "id": None, "outcome": "failed", "reason": "image_not_found", "status": None},
        {"index": None, "id": ids(first)[1], "outcome": "removed", "reason": None, "status": None},
    ]
    assert {name: plan[name] for name in before} == before == await shown(client)
    assert originals(service) == stored
    assert sorted(shop.asked) == ["/gold", "/green", "/red"]
    done = await synced(client, entries)
    assert outcomes(done) == ["failed", "replaced", "added", "copied", "described", "failed", "removed"]


async def test_a_known_source_without_validators_is_to_be_fetched(client: httpx.AsyncClient, shop: Shop) -> None:
    shop.tags = False
    entries = [{"src": shop.has("/red", png())}]
    await synced(client, entries)
    shop.forget()
    assert outcomes(await synced(client, entries, PLAN)) == ["fetch"]
    assert outcomes(await synced(client, entries, PLAN, refetch="never")) == ["unchanged"]
    assert shop.asked == []


async def test_a_plan_that_would_stop_says_so(client: httpx.AsyncClient) -> None:
    answer = await put(client, [{"id": 5}], PLAN, on_error="stop")
    assert (answer.status_code, answer.json()["receipts"][0]["reason"]) == (422, "image_not_found")


NEVER = ("ftp://a/b", "notaurl", "/img/a.jpg", "http://u:p@shop.example/x.jpg", "http://0x7f.1/a.jpg")


async def test_urls_that_can_never_be_fetched_are_planned_so(client: httpx.AsyncClient, shop: Shop) -> None:
    entries = [{"src": shop.has("/red", png())}, *({"src": src} for src in NEVER)]
    plan = await synced(client, entries, PLAN)
    assert failures(plan) == [(number, "bad_url", None) for number in range(1, len(entries))]
    assert failures(await synced(client, entries)) == failures(plan)
    for query in (PLAN, ""):
        answer = await put(client, entries, query, on_error="stop")
        assert (answer.status_code, failures(answer.json())) == (422, failures(plan))


async def test_a_read_token_may_plan(service: Service, store: NewStore) -> None:
    token = await tokens.issue(service.database, store.store_id, Scope.READ)
    async with service.client(headers={"Authorization": f"Bearer {token}"}) as reader:
        assert (await reader.put(f"{GALLERY}?dry_run=true", json={"images": []})).status_code == 200
        assert (await reader.get(GALLERY)).status_code == 200
        refused = await reader.put(GALLERY, json={"images": []})
    assert (refused.status_code, refused.json()["code"]) == (403, "read_only_token")
