"""The routes of webhooks: what they take, what they answer, and to whom."""

import asyncio
import base64

import httpx
import pytest
from standardwebhooks import Webhook

from image_service.jobs import upkeep
from image_service.stores import tokens
from image_service.stores.tokens import Scope
from tests.conftest import Service, StartService
from tests.shop import added
from tests.webhooks.conftest import deliveries, uuid_of, webhook
from tests.webhooks.receiver import Receiver, answer
from tests.webhooks.test_sending import CREATED, no_work, until, waiting_again


async def test_made_shown_and_deleted(shop: httpx.AsyncClient, receiver: Receiver) -> None:
    made = await shop.post("/webhooks", json={"url": receiver.url("/a?b=c"), "events": [CREATED, CREATED]})
    assert made.headers["Cache-Control"] == "no-store"
    shown = made.json()
    kind, _, secret = shown.pop("secret").partition("_")
    assert (kind, len(base64.b64decode(secret))) == ("whsec", 32)
    assert made.headers["Location"] == f"http://api.test/webhooks/{shown['id']}"
    assert (shown["url"], shown["events"]) == (receiver.url("/a?b=c"), [CREATED])
    assert (await shop.get(f"/webhooks/{shown['id']}")).json() == shown
    assert (await shop.get("/webhooks")).json() == [shown]
    assert (await shop.delete(f"/webhooks/{shown['id']}")).json() == {}
    assert (await shop.get("/webhooks")).json() == []
    assert (await shop.delete(f"/webhooks/{shown['id']}")).json()["code"] == "webhook_not_found"


REFUSED = {
    "nothing": ({}, "url"),
    "no events": ({"url": "https://shop.example.com/"}, "events"),
    "an empty list": ({"url": "https://shop.example.com/", "events": []}, "events"),
    "an event that is none": ({"url": "https://shop.example.com/", "events": ["image.seen"]}, "events"),
    "a name that is none": ({"url": "https://shop.example.com/", "events": [CREATED], "secret": "x"}, "secret"),
    "no URL": ({"url": "shop", "events": [CREATED]}, "url"),
    "another scheme": ({"url": "ftp://shop.example.com/", "events": [CREATED]}, "url"),
    "a password": ({"url": "https://me:secret@shop.example.com/", "events": [CREATED]}, "url"),
    "too long": ({"url": "https://shop.example.com/" + "a" * 4096, "events": [CREATED]}, "url"),
}


async def test_what_may_be_said_is_named(shop: httpx.AsyncClient, receiver: Receiver) -> None:
    refused = await shop.post("/webhooks", json={"url": receiver.url(), "events": ["image.seen"]})
    [message] = refused.json()["errors"]["events"]
    assert message.startswith("must be 'image.created', 'image.updated', ")
    made = await shop.post("/webhooks", json={"url": receiver.url(), "events": [CREATED]})
    refused = await shop.get(f"/webhooks/{made.json()['id']}/deliveries?state=lost")
    assert refused.json()["errors"] == {"state": ["must be 'waiting', 'delivered' or 'failed'"]}


@pytest.mark.parametrize(("body", "field"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_used_is_named(shop: httpx.AsyncClient, body: dict[str, object], field: str) -> None:
    refused = await shop.post("/webhooks", json=body)
    assert refused.status_code == 422
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert field in refused.json()["errors"]
    assert "secret" not in refused.json()["detail"] or field == "secret"


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest",
        "https://shop.example.com:8443/",
        "https://localhost/",
    ],
)
async def test_in_production_only_https_to_public_hosts(start_service: StartService, url: str) -> None:
    async with start_service(fetch_allow_private=False) as service:
        store = await service.new_store()
        async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            refused = await client.post("/webhooks", json={"url": url, "events": [CREATED]})
            assert (refused.status_code, list(refused.json()["errors"])) == (422, ["url"])
            taken = await client.post("/webhooks", json={"url": "https://shop.example.com/", "events": [CREATED]})
            assert taken.status_code == 201


async def test_ten_a_store(shop: httpx.AsyncClient, receiver: Receiver) -> None:
    """Also of those that are made at once."""
    body = {"url": receiver.url(), "events": [CREATED]}
    made = await asyncio.gather(*(shop.post("/webhooks", json=body) for _ in range(14)))
    assert sorted(each.status_code for each in made) == [201] * 10 + [422] * 4
    assert {each.json()["code"] for each in made if each.status_code == 422} == {"too_many_webhooks"}
    assert len((await shop.get("/webhooks")).json()) == 10


async def test_a_repeat_makes_no_second_one(shop: httpx.AsyncClient, receiver: Receiver) -> None:
    body = {"url": receiver.url(), "events": [CREATED]}
    first, again = [await shop.post("/webhooks", json=body, headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert first.json() == again.json()
    path = f"/webhooks/{first.json()['id']}"
    rotated = [(await shop.post(f"{path}/rotate", headers={"Idempotency-Key": "two"})).json() for _ in range(2)]
    assert rotated[0] == rotated[1]
    tests = [(await shop.post(f"{path}/test", headers={"Idempotency-Key": "three"})).json() for _ in range(2)]
    assert tests[0] == tests[1]
    assert len(receiver.got) == 1


async def test_a_read_token_sees_none(telling: Service, shop: httpx.AsyncClient, receiver: Receiver) -> None:
    made = await webhook(shop, receiver)
    store_id = (await shop.get("/store")).json()["id"]
    token = await tokens.issue(telling.database, store_id, Scope.READ)
    async with telling.client(headers={"Authorization": f"Bearer {token}"}) as reader:
        for path in ("/webhooks", f"/webhooks/{made['id']}", f"/webhooks/{made['id']}/deliveries"):
            refused = await reader.get(path)
            assert (refused.status_code, refused.json()["code"]) == (403, "read_only_token")


async def test_another_store_s_is_none(telling: Service, shop: httpx.AsyncClient, receiver: Receiver) -> None:
    made = await webhook(shop, receiver)
    await added(shop)
    sent = (await deliveries(shop, made))[0]["id"]
    path = f"/webhooks/{made['id']}"
    other = await telling.new_store()
    async with telling.client(headers={"Authorization": f"Bearer {other.token}"}) as theirs:
        answers = [
            await theirs.get(path),
            await theirs.delete(path),
            await theirs.post(f"{path}/test"),
            await theirs.post(f"{path}/rotate"),
            await theirs.get(f"{path}/deliveries"),
            await theirs.post(f"{path}/deliveries/{sent}/redeliver"),
        ]
        assert {(each.status_code, each.json()["code"]) for each in answers} == {(404, "webhook_not_found")}
        assert (await theirs.get("/webhooks")).json() == []


@pytest.mark.parametrize("id", ["0", "x" * 32, "5E8D1C7B9A3F4E2D8C6B0A9F7E5D3C1B", "5e8d1c7b9a3f4e2d8c6b0a9f7e5d3c1b"])
async def test_an_id_of_none(shop: httpx.AsyncClient, id: str) -> None:
    assert (await shop.get(f"/webhooks/{id}")).json()["code"] == "webhook_not_found"


async def test_a_test_is_sent_at_once(shop: httpx.AsyncClient, receiver: Receiver) -> None:
    made = await webhook(shop, receiver, CREATED)
    shown = (await shop.post(f"/webhooks/{made['id']}/test")).json()
    [message] = receiver.got
    Webhook(made["secret"]).verify(message.raw, message.headers)
    assert (message.type, message.id) == ("webhook.test", shown["id"])
    assert (shown["state"], shown["status"], shown["attempts"]) == ("delivered", 204, 1)
    receiver.answers["/"] = answer(404)
    shown = (await shop.post(f"/webhooks/{made['id']}/test")).json()
    assert (shown["state"], shown["status"], shown["reason"]) == ("failed", 404, "bad_status")
    assert len(await deliveries(shop, made)) == 2


async def test_deliveries_in_pages_and_by_state(shop: httpx.AsyncClient, receiver: Receiver) -> None:
    made = await webhook(shop, receiver, CREATED)
    for _ in range(3):
        await added(shop)
    await receiver.wait(3)
    path = f"/webhooks/{made['id']}/deliveries"
    page = await shop.get(path, params={"per_page": 2})
    assert (page.headers["X-Total-Count"], len(page.json())) == ("3", 2)
    assert page.json()[0]["created_at"] >= page.json()[1]["created_at"]
    assert (await shop.get(path, params={"state": "failed"})).json() == []
    assert (await shop.get(path, params={"state": "lost"})).status_code == 422


async def test_redelivered_under_the_same_id(telling: Service, shop: httpx.AsyncClient, receiver: Receiver) -> None:
    receiver.answers["/"] = answer(410)
    made = await webhook(shop, receiver, CREATED)
    await added(shop)
    failed = await until(shop, made, state="failed")
    await no_work(telling, made)
    receiver.answers["/"] = answer(200)
    path = f"/webhooks/{made['id']}/deliveries"
    again = await shop.post(f"{path}/{failed['id']}/redeliver")
    assert (again.status_code, again.json()["state"], again.json()["attempts"]) == (200, "waiting", 0)
    first, second = await receiver.wait(2)
    assert first.id == second.id == failed["id"]
    assert first.raw == second.raw
    await until(shop, made, state="delivered")
    none = await shop.post(f"{path}/msg_{'0' * 32}/redeliver")
    assert (none.status_code, none.json()["code"]) == (404, "delivery_not_found")


async def test_one_that_waits_for_its_next_attempt_is_sent_now(
    telling: Service, shop: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.answers["/"] = answer(500, Retry_After="3600")
    made = await webhook(shop, receiver, CREATED)
    await added(shop)
    waiting = await until(shop, made, attempts=1)
    await waiting_again(telling, made)
    receiver.answers["/"] = answer(200)
    await shop.post(f"/webhooks/{made['id']}/deliveries/{waiting['id']}/redeliver")
    await receiver.wait(2)
    await until(shop, made, state="delivered")


async def test_a_removed_store_takes_all_along(telling: Service, shop: httpx.AsyncClient, receiver: Receiver) -> None:
    receiver.answers["/"] = answer(500)
    made = await webhook(shop, receiver, CREATED)
    await added(shop)
    await until(shop, made, attempts=1)
    await waiting_again(telling, made)
    store_id = (await shop.get("/store")).json()["id"]
    await telling.remove_store(store_id)
    for table in ("webhooks WHERE id = $1", "deliveries WHERE webhook_id = $1"):
        assert not await telling.database.raw(f"SELECT 1 FROM {table}", uuid_of(made["id"]))  # noqa: S608
    assert not await telling.database.raw("SELECT 1 FROM pgqueuer WHERE store_id = $1", store_id)


async def test_a_deleted_webhook_takes_what_was_on_its_way(
    telling: Service, shop: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.answers["/"] = answer(500)
    made = await webhook(shop, receiver, CREATED)
    await added(shop)
    await until(shop, made, attempts=1)
    await waiting_again(telling, made)
    await shop.delete(f"/webhooks/{made['id']}")
    await no_work(telling, made)


async def test_deliveries_are_kept_for_a_week(telling: Service, shop: httpx.AsyncClient, receiver: Receiver) -> None:
    made = await webhook(shop, receiver, CREATED)
    for _ in range(2):
        await added(shop)
    await receiver.wait(2)
    old, young = await deliveries(shop, made)
    await telling.database.raw(
        "UPDATE deliveries SET created_at = now() - interval '7 days 1 second' WHERE id = $1", uuid_of(old["id"])
    )
    assert (await upkeep.forget(telling.database, True))["deliveries"] == 1
    assert len(await deliveries(shop, made)) == 2
    assert (await upkeep.forget(telling.database, False))["deliveries"] == 1
    assert [each["id"] for each in await deliveries(shop, made)] == [young["id"]]
