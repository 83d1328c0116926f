"""OpenAPI descriptions of webhooks. Each value in capitals is the keyword arguments of one route's decorator."""

from typing import Any

from image_service.own.problems import problems
from image_service.own.webhooks.problems import BAD_QUERY, KEY_REFUSED, NO_DELIVERY, NO_WEBHOOK, NOT_NOW, REFUSED
from image_service.own.webhooks.schemas import DeliveryBody, WebhookBody, WebhookInput, WebhookWithSecret
from image_service.web.images.answers import PAGED
from image_service.web.images.bodies import EmptyObject
from image_service.web.openapi.components import shared

_ID = "5e8d1c7b9a3f4e2d8c6b0a9f7e5d3c1b"
_KEY = "8f2b6c0e4d1a4f6f9d3c5b7a9e1f2d3c"
_THEN = "2026-01-01T00:00:00+00:00"
_WEBHOOK: dict[str, Any] = {
    "id": _ID,
    "url": "https://shop.example.com/image-events",
    "events": ["image.created", "gallery.changed"],
    "created_at": _THEN,
    "previous_secret_until": None,
    "failing_since": None,
    "switched_off_at": None,
    "switched_off_reason": None,
}
_SECRET = {"secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FVsBQIhrs="}
_OFF = _WEBHOOK | {
    "failing_since": "2026-01-03T00:00:00+00:00",
    "switched_off_at": "2026-01-08T00:00:07+00:00",
    "switched_off_reason": "no_answer",
}
_DELIVERY: dict[str, Any] = {
    "id": "msg_0b9a8f7e6d5c4b3a291807f6e5d4c3b2",
    "type": "image.created",
    "state": "delivered",
    "attempts": 1,
    "status": 204,
    "reason": None,
    "created_at": _THEN,
    "attempted_at": "2026-01-01T00:00:01+00:00",
    "next_attempt_at": None,
    "data": {
        "store_id": 1234,
        "id": 101,
        "product_id": 1234,
        "position": 1,
        "revision": 7,
        "src": f"https://images.example.com/stores/001/234/products/charmander-{_KEY}-640-0.jpg",
        "url": "https://images.example.com/images/101",
        "created_at": _THEN,
        "updated_at": _THEN,
    },
}
_WAITING = _DELIVERY | {
    "state": "waiting",
    "status": 503,
    "reason": "bad_status",
    "next_attempt_at": "2026-01-01T00:00:06+00:00",
}
_AGAIN = _DELIVERY | {"state": "waiting", "attempts": 0}
_TEST = _DELIVERY | {"type": "webhook.test", "data": {"store_id": 1234}}
_LOCATION = {
    "Location": shared(
        "WebhookLocation", {"description": "The webhook's own URL.", "schema": {"type": "string", "format": "uri"}}
    )
}
_ASK: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": shared("WebhookInput", WebhookInput.model_json_schema()),
                "examples": {
                    "images": {
                        "summary": "New images, and galleries that have changed",
                        "value": {
                            "url": "https://shop.example.com/image-events",
                            "events": ["image.created", "gallery.changed"],
                        },
                    }
                },
            }
        },
    }
}


def _answer(model: Any, description: str, example: Any, **more: Any) -> dict[str, Any]:
    return {
        "model": model,
        "description": description,
        "content": {"application/json": {"example": example}},
        **more,
    }


CREATE_WEBHOOK: dict[str, Any] = dict(
    summary="Make a webhook",
    status_code=201,
    responses={
        201: _answer(WebhookWithSecret, "The webhook, and its secret.", _WEBHOOK | _SECRET, headers=_LOCATION),
        **problems(400, 403, 408, 409, 413, 415),
        **REFUSED,
    },
    openapi_extra=_ASK,
)
LIST_WEBHOOKS: dict[str, Any] = dict(
    summary="List webhooks",
    responses={
        200: _answer(list[WebhookBody], "All of the store's.", [_WEBHOOK, _OFF]),
        **problems(403),
    },
)
GET_WEBHOOK: dict[str, Any] = dict(
    summary="Get a webhook",
    responses={200: _answer(WebhookBody, "The webhook.", _WEBHOOK), **problems(403), **NO_WEBHOOK},
)
DELETE_WEBHOOK: dict[str, Any] = dict(
    summary="Delete a webhook",
    responses={200: _answer(EmptyObject, "Nothing is sent to it any more.", {}), **problems(403), **NO_WEBHOOK},
)
ROTATE_SECRET: dict[str, Any] = dict(
    summary="Give a webhook another secret",
    responses={
        200: _answer(
            WebhookWithSecret,
            "The webhook, and its new secret.",
            _WEBHOOK | {"previous_secret_until": "2026-01-02T00:00:00+00:00"} | _SECRET,
        ),
        **problems(403, 409),
        **NO_WEBHOOK,
        **KEY_REFUSED,
    },
)
TEST_WEBHOOK: dict[str, Any] = dict(
    summary="Test a webhook",
    responses={
        200: _answer(DeliveryBody, "How it went.", _TEST),
        **problems(403, 409),
        **NO_WEBHOOK,
        **KEY_REFUSED,
    },
)
LIST_DELIVERIES: dict[str, Any] = dict(
    summary="List what was sent to a webhook",
    responses={
        200: _answer(list[DeliveryBody], "The newest first.", [_WAITING, _DELIVERY], headers=PAGED),
        **problems(403),
        **NO_WEBHOOK,
        **BAD_QUERY,
    },
)
REDELIVER: dict[str, Any] = dict(
    summary="Send a delivery again",
    responses={
        200: _answer(DeliveryBody, "It is sent again, soon.", _AGAIN),
        **problems(403, 409),
        **NO_DELIVERY,
        **NOT_NOW,
        **KEY_REFUSED,
    },
)
