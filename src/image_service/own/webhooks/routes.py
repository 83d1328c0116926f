"""Webhooks: a store registers URLs for events, and lists their deliveries."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any, Literal
from uuid import uuid4

import structlog
from fastapi import Query, Request
from starlette.responses import JSONResponse, Response

from image_service.jobs.webhooks import deliveries, endpoints
from image_service.jobs.webhooks.attempts import Delivery, State
from image_service.jobs.webhooks.endpoints import NewSecret, Webhook
from image_service.jobs.webhooks.errors import DeliveryNotFound, WebhookNotFound
from image_service.own.reading import id_in_path, page_of, uuid_of
from image_service.own.webhooks import described
from image_service.own.webhooks.schemas import delivery_shown, parse, secret_shown, webhook_shown
from image_service.web.access.callers import Writer
from image_service.web.bodies import uploads
from image_service.web.bodies.uploads import Submission
from image_service.web.idempotency import Run, idempotent, key_of
from image_service.web.openapi.routes import Router
from image_service.web.pagination import PageAsked
from image_service.web.parts import Parts, PartsOf

log = structlog.get_logger()

NO_STORE = {"Cache-Control": "no-store"}  # the response contains a secret

router = Router(tags=["Webhooks"])

DELIVERY = "msg_"  # prefix of a delivery's id
WebhookId = Annotated[str, id_in_path("The webhook's id.", "5e8d1c7b9a3f4e2d8c6b0a9f7e5d3c1b")]
DeliveryId = Annotated[
    str,
    id_in_path("The delivery's id, also in the header `webhook-id`.", "msg_0b9a8f7e6d5c4b3a291807f6e5d4c3b2", DELIVERY),
]


@router.post("/webhooks", **described.CREATE_WEBHOOK)
async def create_webhook(request: Request, caller: Writer, parts: PartsOf) -> Response:
    """From now on each of these events is posted to `url`, signed with the `secret`. Only this answer shows the secret.
    Earlier events are not sent.
    """
    key = key_of(request)
    body = await uploads.read_fields(request)
    asked = parse(body, parts.webhooks)

    def show(made: NewSecret) -> Response:
        location = f"{parts.api_base}/webhooks/{made.webhook.id.hex}"
        return JSONResponse(secret_shown(made), 201, {**NO_STORE, "Location": location})

    async with idempotent(request, parts, caller.store_id, key, body.fields, body, show) as run:
        if run.answered is not None:
            return run.answered
        made = await endpoints.add(parts.database, caller.store_id, asked.url, asked.events, run.once)
    log.info("webhook made", webhook=made.webhook.id.hex)
    return show(made)


@router.get("/webhooks", **described.LIST_WEBHOOKS)
async def list_webhooks(caller: Writer, parts: PartsOf) -> Response:
    """The store's webhooks, the oldest first. Those that failed for too long have `switched_off_at`."""
    return JSONResponse([webhook_shown(each) for each in await endpoints.every(parts.database, caller.store_id)])


@router.get("/webhooks/{id}", **described.GET_WEBHOOK)
async def get_webhook(id: WebhookId, caller: Writer, parts: PartsOf) -> Response:
    """The webhook, and whether its deliveries succeed. The secret is not shown again."""
    return JSONResponse(
        webhook_shown(await endpoints.find(parts.database, caller.store_id, uuid_of(id, WebhookNotFound)))
    )


@router.delete("/webhooks/{id}", **described.DELETE_WEBHOOK)
async def delete_webhook(id: WebhookId, caller: Writer, parts: PartsOf) -> Response:
    """Delete a webhook with its pending deliveries."""
    await endpoints.remove(parts.database, caller.store_id, uuid_of(id, WebhookNotFound))
    return JSONResponse({})


@router.post("/webhooks/{id}/rotate", **described.ROTATE_SECRET)
async def rotate_secret(request: Request, id: WebhookId, caller: Writer, parts: PartsOf) -> Response:
    """Make a new secret. For one day events are signed with both secrets, so your receiver may use either."""

    def show(rotated: NewSecret) -> Response:
        return JSONResponse(secret_shown(rotated), headers=NO_STORE)

    async with _once(request, parts, caller.store_id, show) as run:
        if run.answered is not None:
            return run.answered
        rotated = await endpoints.rotate(parts.database, caller.store_id, uuid_of(id, WebhookNotFound), run.once)
    return show(rotated)


@router.post("/webhooks/{id}/test", **described.TEST_WEBHOOK)
async def test_webhook(request: Request, id: WebhookId, caller: Writer, parts: PartsOf) -> Response:
    """Send `webhook.test` now, once, and answer with the result. Success switches a webhook on again that was switched
    off.
    """
    key_of(request)
    webhook = await endpoints.find(parts.database, caller.store_id, uuid_of(id, WebhookNotFound))
    show = _shown(parts, webhook)
    async with _once(request, parts, caller.store_id, show) as run:
        if run.answered is not None:
            return run.answered
        sent = uuid4()
        outcome = await parts.webhooks.test(webhook, sent)
        delivery = await deliveries.add_test(parts.database, webhook, sent, outcome, run.once)
    return show(delivery)


@router.get("/webhooks/{id}/deliveries", **described.LIST_DELIVERIES)
async def list_deliveries(
    request: Request,
    id: WebhookId,
    caller: Writer,
    parts: PartsOf,
    paging: PageAsked,
    state: Annotated[
        Literal["waiting", "delivered", "failed"] | None,
        Query(description="Restrict results to deliveries in this state."),
    ] = None,
) -> Response:
    """The deliveries of the last 7 days, also pending ones, the newest first."""
    webhook = await endpoints.find(parts.database, caller.store_id, uuid_of(id, WebhookNotFound))
    states = [State(state)] if state else list(State)
    total, found = await deliveries.page(parts.database, webhook, states, paging.offset, paging.per_page)
    shown = [delivery_shown(each, webhook, parts.webhooks) for each in found]
    return page_of(request, parts, paging, total, shown)


@router.post("/webhooks/{id}/deliveries/{delivery_id}/redeliver", **described.REDELIVER)
async def redeliver(
    request: Request, id: WebhookId, delivery_id: DeliveryId, caller: Writer, parts: PartsOf
) -> Response:
    """Send a delivery again soon, with the same `webhook-id` and the same retries: for a receiver that was down for
    longer than the retries last, or had a bug.
    """
    key_of(request)
    webhook = await endpoints.find(parts.database, caller.store_id, uuid_of(id, WebhookNotFound))
    show = _shown(parts, webhook)
    async with _once(request, parts, caller.store_id, show) as run:
        if run.answered is not None:
            return run.answered
        delivery = await deliveries.send_again(
            parts.database, webhook, uuid_of(delivery_id, DeliveryNotFound, DELIVERY), run.once
        )
    parts.nudge()
    return show(delivery)


def _shown(parts: Parts, webhook: Webhook) -> Callable[[Delivery], Response]:
    return lambda delivery: JSONResponse(delivery_shown(delivery, webhook, parts.webhooks))


def _once(
    request: Request, parts: Parts, store_id: int, show: Callable[[Any], Response]
) -> AbstractAsyncContextManager[Run[Any]]:
    """For requests without a body."""
    return idempotent(request, parts, store_id, key_of(request), {}, Submission({}), show)
