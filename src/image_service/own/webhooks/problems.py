"""The errors of webhooks: the shared ones of the own API, and a few more."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from image_service.errors import ImageNotFound
from image_service.jobs.webhooks.endpoints import MOST
from image_service.jobs.webhooks.errors import (
    DeliveryNotFound,
    DeliveryUnderWay,
    TooManyWebhooks,
    WebhookNotFound,
    WebhookOff,
)
from image_service.own import problems
from image_service.own.problems import MEDIA_TYPE, described_problem, problem_body
from image_service.web.problem_bodies import description_of
from image_service.web.problems import Problem

UNKNOWN = "The store has no such webhook"
NOT_SENT = "Nothing with this id was sent to the webhook in the last 7 days"
UNDER_WAY = "It is being sent at this moment"
OFF = "The webhook is switched off: a test that comes through switches it on again"
TOO_MANY = f"A store may have {MOST} webhooks"


def render(request: Request, problem: Problem) -> Response:
    match problem.error:
        case WebhookNotFound() | ImageNotFound():  # the second: a malformed id
            body = problem_body(404, "webhook_not_found", UNKNOWN)
        case DeliveryNotFound():
            body = problem_body(404, problem.code, NOT_SENT)
        case DeliveryUnderWay():
            body = problem_body(409, problem.code, UNDER_WAY)
        case WebhookOff():
            body = problem_body(409, problem.code, OFF)
        case TooManyWebhooks():
            body = problem_body(422, problem.code, TOO_MANY)
        case _:
            return problems.render(request, problem)
    return JSONResponse(body, problem.status, media_type=MEDIA_TYPE)


# --- OpenAPI ---

_UNKNOWN = problem_body(404, "webhook_not_found", UNKNOWN)
NO_WEBHOOK: dict[int | str, Any] = {404: described_problem("WebhookNotFound", "There is no such webhook.", _UNKNOWN)}
NO_DELIVERY: dict[int | str, Any] = {
    404: described_problem(
        "DeliveryNotFound",
        "There is no such webhook, or nothing with such an id was sent to it.",
        _UNKNOWN,
        problem_body(404, "delivery_not_found", NOT_SENT),
    )
}
NOT_NOW: dict[int | str, Any] = {
    409: described_problem(
        "DeliveryNotNow",
        "It cannot be sent again at this moment.",
        problem_body(409, "delivery_under_way", UNDER_WAY),
        problem_body(409, "webhook_off", OFF),
        problem_body(409, "repeat_under_way", description_of(409)),
    )
}
REFUSED: dict[int | str, Any] = {
    422: described_problem(
        "WebhookRefused",
        "A field cannot be used, or the store has as many webhooks as it may have.",
        *(
            problem_body(422, code, f"{field}: {message}", {field: [message]})
            for code, field, message in (
                ("invalid_field", "url", "must be an https:// URL"),
                ("invalid_field", "events", "can't be blank"),
                ("key_refused", "Idempotency-Key", "was used for another request"),
            )
        ),
        problem_body(422, "too_many_webhooks", TOO_MANY),
    )
}
KEY_REFUSED: dict[int | str, Any] = {
    422: described_problem(
        "WebhookKeyRefused",
        "The `Idempotency-Key` cannot be used.",
        problem_body(
            422,
            "key_refused",
            "Idempotency-Key: was used for another request",
            {"Idempotency-Key": ["was used for another request"]},
        ),
    )
}
_STATES = "must be 'waiting', 'delivered' or 'failed'"
BAD_QUERY: dict[int | str, Any] = {
    422: described_problem(
        "DeliveriesBadQuery",
        "A parameter of the query cannot be used.",
        problem_body(422, "invalid_field", f"state: {_STATES}", {"state": [_STATES]}),
    )
}
