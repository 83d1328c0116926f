"""A delivery on the wire: signed, tried again as the table says, ended where there is no sense in going on."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from image_service.jobs.webhooks import attempts
from image_service.queue import state
from tests.conftest import Service
from tests.shop import added
from tests.webhooks.conftest import deliveries, uuid_of, webhook
from tests.webhooks.receiver import SECONDS, Receiver, answer, silence

CREATED = "image.created"


async def until(shop: httpx.AsyncClient, made: dict[str, Any], **wanted: object) -> dict[str, Any]:
    """The first delivery of a webhook, once it is so."""
    async with asyncio.timeout(SECONDS):
        while True:
            shown = (await deliveries(shop, made))[0]
            if all(shown[name] == value for name, value in wanted.items()):
                return shown
            await asyncio.sleep(0.02)  # it is written a moment after the answer


async def hurry(service: Service, made: dict[str, Any]) -> None:
    """What waits for its next attempt is due now."""
    sql = "UPDATE deliveries SET next_at = now() WHERE webhook_id = $1 AND state = 'waiting'"
    await service.database.raw(sql, uuid_of(made["id"]))


async def waiting_again(service: Service, made: dict[str, Any]) -> None:
    """Until the queue has taken back what has failed."""
    await _no_row(service, made, "picked")


async def no_work(service: Service, made: dict[str, Any]) -> None:
    """Until nothing more is to be sent to a webhook."""
    await _no_row(service, made, "picked", "queued", "failed")


async def _no_row(service: Service, made: dict[str, Any], *statuses: str) -> None:
    async with asyncio.timeout(SECONDS):
        while True:
            rows = "SELECT status::text AS status FROM pgqueuer WHERE lane = $1"
            if not {row.status for row in await service.database.raw(rows, _lane(made))} & set(statuses):
                return
            await asyncio.sleep(0.02)


def _lane(made: dict[str, Any]) -> str:
    return str(uuid_of(made["id"]))


async def test_a_delivery_is_signed(shop: httpx.AsyncClient, receiver: Receiver) -> None:
    made = await webhook(shop, receiver, CREATED)
    await added(shop)
    [message] = await receiver.wait(1)
    assert Webhook(made["secret"]).verify(message.raw, message.headers) == message.body
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(message.raw + b" ", message.headers)
    assert list(message.body) == ["type", "timestamp", "data"]
    assert message.headers["content-type"] == "application/json"
    shown = await until(shop, made, state="delivered")
    assert (shown["id"], shown["attempts"], shown["status"], shown["reason"]) == (message.id, 1, 204, None)
    assert shown["created_at"] == message.body["timestamp"]


async def test_another_secret_takes_over_in_a_day(
    telling: Service, shop: httpx.AsyncClient, receiver: Receiver
) -> None:
    made = await webhook(shop, receiver, CREATED)
    rotated = (await shop.post(f"/webhooks/{made['id']}/rotate")).json()
    assert rotated["secret"] != made["secret"]
    until = datetime.fromisoformat(rotated["previous_secret_until"]) - datetime.now(UTC)
    assert timedelta(hours=23) < until <= timedelta(days=1)
    await added(shop)
    [both] = await receiver.wait(1)
    for secret in (made["secret"], rotated["secret"]):
        Webhook(secret).verify(both.raw, both.headers)
    await telling.database.raw("UPDATE webhooks SET previous_until = now() WHERE id = $1", uuid_of(made["id"]))
    await added(shop)
    _, one = await receiver.wait(2)
    Webhook(rotated["secret"]).verify(one.raw, one.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(one.raw, one.headers)


async def test_what_fails_is_tried_by_the_table(telling: Service, shop: httpx.AsyncClient, receiver: Receiver) -> None:
    """Ten times in all, each under the same id, each signed anew; then it has failed."""
    receiver.answers["/"] = answer(500)
    made = await webhook(shop, receiver, CREATED)
    await added(shop)
    for number, pause in enumerate(attempts.PAUSES, 1):
        await receiver.wait(number)
        shown = await until(shop, made, attempts=number)
        assert (shown["state"], shown["status"], shown["reason"]) == ("waiting", 500, "bad_status")
        asked = datetime.fromisoformat(shown["next_attempt_at"]) - datetime.fromisoformat(shown["attempted_at"])
        assert pause - 1 <= asked.total_seconds() <= pause * (1 + attempts.JITTER) + 1
        await hurry(telling, made)
    messages = await receiver.wait(10)
    shown = await until(shop, made, attempts=10)
    assert (shown["state"], shown["next_attempt_at"]) == ("failed", None)
    assert {each.id for each in messages} == {shown["id"]}
    for each in messages:
        Webhook(made["secret"]).verify(each.raw, each.headers)
    await no_work(telling, made)


async def test_a_receiver_may_ask_for_a_longer_pause(shop: httpx.AsyncClient, receiver: Receiver) -> None:
    receiver.answers["/"] = answer(429, Retry_After="3600")
    made = await webhook(shop, receiver, CREATED)
    await added(shop)
    shown = await until(shop, made, attempts=1)
    pause = datetime.fromisoformat(shown["next_attempt_at"]) - datetime.fromisoformat(shown["attempted_at"])
    assert timedelta(minutes=59) < pause < timedelta(minutes=61)
    await shop.delete(f"/webhooks/{made['id']}")


async def test_an_absurd_pause_is_none(shop: httpx.AsyncClient, receiver: Receiver) -> None:
    receiver.answers["/"] = answer(503, Retry_After=f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT")
    made = await webhook(shop, receiver, CREATED)
    await added(shop)
    shown = await until(shop, made, attempts=1)
    assert (shown["state"], shown["status"], shown["reason"]) == ("waiting", 503, "bad_status")
    tested = await shop.post(f"/webhooks/{made['id']}/test")
    assert (tested.status_code, tested.json()["reason"]) == (200, "bad_status")
    await shop.delete(f"/webhooks/{made['id']}")


ENDS = {301: "redirected", 304: "redirected", 307: "redirected", 410: "gone"}


@pytest.mark.parametrize(("status", "reason"), ENDS.items())
async def test_some_answers_end_a_delivery(
    shop: httpx.AsyncClient, receiver: Receiver, status: int, reason: str
) -> None:
    receiver.answers["/"] = answer(status, Location=receiver.url("/elsewhere"))
    made = await webhook(shop, receiver, CREATED)
    await added(shop)
    shown = await until(shop, made, state="failed")
    assert (shown["attempts"], shown["status"], shown["reason"]) == (1, status, reason)
    assert receiver.at("/elsewhere") == []


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_every_2xx_is_a_success(shop: httpx.AsyncClient, receiver: Receiver, status: int) -> None:
    receiver.answers["/"] = answer(status)
    made = await webhook(shop, receiver, CREATED)
    await added(shop)
    assert (await until(shop, made, state="delivered"))["status"] == status


async def test_five_days_of_failure_switch_a_webhook_off(
    telling: Service, shop: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.answers["/"] = answer(500)
    made = await webhook(shop, receiver, CREATED)
    path = f"/webhooks/{made['id']}"
    await added(shop)
    await until(shop, made, attempts=1)
    failing = (await shop.get(path)).json()
    assert failing["failing_since"] is not None
    assert failing["switched_off_at"] is None
    await waiting_again(telling, made)
    await telling.database.raw(
        "UPDATE webhooks SET failing_since = now() - interval '5 days 1 second' WHERE id = $1", uuid_of(made["id"])
    )
    await hurry(telling, made)
    await until(shop, made, attempts=2, state="failed")
    off = (await shop.get("/webhooks")).json()[0]
    assert off["switched_off_at"] is not None
    assert off["switched_off_reason"] == "bad_status"
    await added(shop)
    assert len(await deliveries(shop, made)) == 1
    again = await shop.post(f"{path}/deliveries/{(await deliveries(shop, made))[0]['id']}/redeliver")
    assert (again.status_code, again.json()["code"]) == (409, "webhook_off")
    await no_work(telling, made)
    # A test that fails leaves it off; one that comes through switches it on.
    assert (await shop.post(f"{path}/test")).json()["state"] == "failed"
    assert (await shop.get(path)).json()["switched_off_at"] is not None
    receiver.answers["/"] = answer(204)
    assert (await shop.post(f"{path}/test")).json()["state"] == "delivered"
    on = (await shop.get(path)).json()
    assert (on["failing_since"], on["switched_off_at"], on["switched_off_reason"]) == (None, None, None)


async def test_a_success_ends_the_days_of_failure(
    telling: Service, shop: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.answers["/"] = answer(500)
    made = await webhook(shop, receiver, CREATED)
    await added(shop)
    await until(shop, made, attempts=1)
    receiver.answers["/"] = answer(200)
    await hurry(telling, made)
    await until(shop, made, state="delivered", attempts=2)
    assert (await shop.get(f"/webhooks/{made['id']}")).json()["failing_since"] is None


async def test_an_event_that_cannot_be_told_holds_up_no_other(
    telling: Service, shop: httpx.AsyncClient, receiver: Receiver
) -> None:
    """A fault of the service: it is tried again as others are, and counts against no receiver."""
    made = await webhook(shop, receiver, CREATED)
    sql = "INSERT INTO deliveries (id, webhook_id, type, data) VALUES ($1, $2, $3, '{}')"
    await telling.database.raw(sql, uuid4(), uuid_of(made["id"]), CREATED)
    shown = await until(shop, made, attempts=1)
    assert (shown["state"], shown["reason"], shown["status"]) == ("waiting", "not_sent", None)
    assert (await shop.get(f"/webhooks/{made['id']}")).json()["failing_since"] is None
    image = await added(shop)
    [message] = await receiver.wait(1)
    assert message.data["id"] == image["id"]


async def test_what_is_being_sent_is_not_sent_again(shop: httpx.AsyncClient, receiver: Receiver) -> None:
    receiver.answers["/"] = silence
    made = await webhook(shop, receiver, CREATED)
    await added(shop)
    [message] = await receiver.wait(1)
    again = await shop.post(f"/webhooks/{made['id']}/deliveries/{message.id}/redeliver")
    assert (again.status_code, again.json()["code"]) == (409, "delivery_under_way")
    await shop.delete(f"/webhooks/{made['id']}")


async def test_work_that_is_held_waits_for_its_operator(
    telling: Service, shop: httpx.AsyncClient, receiver: Receiver
) -> None:
    """Polls insert no second row. What is due, but not under way, may be reset."""
    made = await webhook(shop, receiver, CREATED)
    sql = """INSERT INTO pgqueuer (entrypoint, store_id, lane, dedupe_key, payload, status)
        SELECT 'webhook', store_id, id::text, id::text, uuid_send(id), 'failed' FROM webhooks WHERE id = $1
        RETURNING id"""
    [held] = await telling.database.raw(sql, uuid_of(made["id"]))
    other = await webhook(shop, receiver, CREATED, path="/other")
    await added(shop)
    await receiver.wait(1, "/other")  # the poll that found this one would have found both
    [waiting] = await deliveries(shop, made)
    again = await shop.post(f"/webhooks/{made['id']}/deliveries/{waiting['id']}/redeliver")
    assert (again.status_code, again.json()["state"]) == (200, "waiting")
    await no_work(telling, other)
    rows = "SELECT id, status::text AS status FROM pgqueuer WHERE lane = $1"
    assert [(row.id, row.status) for row in await telling.database.raw(rows, _lane(made))] == [(held.id, "failed")]
    assert receiver.at("/") == []
    assert await state.retry(telling.database, [held.id]) == [held.id]
    [message] = await receiver.wait(1)
    assert message.id == waiting["id"]
    await until(shop, made, state="delivered", attempts=1)


async def test_metrics_of_what_there_is(telling: Service, shop: httpx.AsyncClient, receiver: Receiver) -> None:
    receiver.answers["/"] = answer(500, Retry_After="3600")
    before = await _gauges(shop)
    made = await webhook(shop, receiver, CREATED)
    await added(shop)
    await until(shop, made, attempts=1)
    await waiting_again(telling, made)
    now = await _gauges(shop)
    assert now['image_service_webhooks{state="failing"}'] == before['image_service_webhooks{state="failing"}'] + 1
    waiting = "image_service_webhook_deliveries_waiting"
    assert now[waiting] == before[waiting] + 1
    await shop.delete(f"/webhooks/{made['id']}")


async def _gauges(shop: httpx.AsyncClient) -> dict[str, float]:
    lines = (await shop.get("/metrics")).text.splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if line.startswith("image_service_webhook"))
    return {name: float(value) for name, value in pairs}
