"""The request and response bodies of webhooks."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict
from typing_extensions import TypedDict

from image_service.errors import InvalidField
from image_service.ingest.fetch_policy import COULD_NOT_BE_FETCHED, MAX_URL, FetchFailed
from image_service.jobs.webhooks import messages
from image_service.jobs.webhooks.attempts import Delivery
from image_service.jobs.webhooks.endpoints import NewSecret, Webhook
from image_service.jobs.webhooks.sending import Sender
from image_service.web.bodies.uploads import Submission
from image_service.web.bodies.validated import validated
from image_service.web.images.bodies import Time, described
from image_service.web.images.view import time_of

EventName = Literal[
    "image.created", "image.updated", "image.deleted", "gallery.changed", "image.failed", "job.finished"
]
NOT_SENT_TO = "can't be sent to"

# --- requests ---


def _once_each(events: list[EventName]) -> list[EventName]:
    return list(dict.fromkeys(events))


class WebhookInput(BaseModel):
    """A new webhook. Unknown fields are refused, so that a mistyped one is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[
        str,
        Strict(),
        Field(
            min_length=1,
            max_length=MAX_URL,
            description="The URL that events are posted to: `https://`, on a public host.",
            json_schema_extra={"format": "uri"},
        ),
    ]
    events: Annotated[
        list[EventName],
        Field(min_length=1, max_length=100, description="The events to send."),
        AfterValidator(_once_each),
    ]


def parse(body: Submission, sender: Sender) -> WebhookInput:
    """The URL is in the form that will be requested. Raises `InvalidField` with every field that cannot be used."""
    asked = validated(WebhookInput, body.fields)
    try:
        return asked.model_copy(update={"url": sender.judged(asked.url)})
    except FetchFailed as failed:
        # The message must not reveal which addresses the settings refuse.
        public = NOT_SENT_TO if failed.public == COULD_NOT_BE_FETCHED else failed.public
        raise InvalidField("url", public) from None


# --- responses ---


class WebhookBody(TypedDict):
    """A URL that is told of events."""

    id: Annotated[str, described("The webhook's id.", pattern="^[0-9a-f]{32}$")]
    url: Annotated[str, described("The URL that receives the events.", format="uri")]
    events: Annotated[list[EventName], described("The events to send.")]
    created_at: Time
    previous_secret_until: Annotated[
        str | None,
        described(
            "Until then deliveries are also signed with the previous secret; null: with one secret.", format="date-time"
        ),
    ]
    failing_since: Annotated[
        str | None,
        described(
            "Time of the first failure since the last success; null if the last delivery succeeded.", format="date-time"
        ),
    ]
    switched_off_at: Annotated[
        str | None, described("When the webhook was switched off; null: it is on.", format="date-time")
    ]
    switched_off_reason: Annotated[str | None, described("Why it was switched off: how the last attempt failed.")]


class WebhookWithSecret(WebhookBody):
    """A webhook whose secret is shown this once."""

    secret: Annotated[str, described("The secret that signs deliveries.", pattern="^whsec_[A-Za-z0-9+/]+=*$")]


class DeliveryBody(TypedDict):
    """An event that is sent to a webhook."""

    id: Annotated[
        str, described("The delivery's id: the header `webhook-id` of each attempt.", pattern="^msg_[0-9a-f]{32}$")
    ]
    type: Annotated[str, described("The event, or `webhook.test`.")]
    state: Annotated[
        Literal["waiting", "delivered", "failed"],
        described("`failed`: three days of attempts failed, or the answer was permanent (such as 410)."),
    ]
    attempts: Annotated[int, described("Number of attempts so far.", minimum=0)]
    status: Annotated[int | None, described("HTTP status of the last attempt's answer; null if there was none.")]
    reason: Annotated[
        str | None,
        described(
            "Why the last attempt came to nothing: `no_answer`, `bad_status`, `redirected`, `gone` or `switched_off`.",
            examples=["bad_status"],
        ),
    ]
    created_at: Time
    attempted_at: Annotated[str | None, described("Time of the last attempt.", format="date-time")]
    next_attempt_at: Annotated[str | None, described("Time of the next attempt.", format="date-time")]
    data: Annotated[dict[str, Any], described("The event's content.")]


def webhook_shown(webhook: Webhook) -> dict[str, Any]:
    def time(moment: Any) -> str | None:
        return time_of(moment) if moment else None

    return {
        "id": webhook.id.hex,
        "url": webhook.url,
        "events": list(webhook.events),
        "created_at": time_of(webhook.created_at),
        "previous_secret_until": time(webhook.previous_until),
        "failing_since": time(webhook.failing_since),
        "switched_off_at": time(webhook.switched_off_at),
        "switched_off_reason": webhook.switched_off_why,
    }


def secret_shown(made: NewSecret) -> dict[str, Any]:
    return webhook_shown(made.webhook) | {"secret": messages.secret_shown(made.secret)}


def delivery_shown(delivery: Delivery, webhook: Webhook, sender: Sender) -> dict[str, Any]:
    return {
        "id": messages.id_of(delivery.id),
        "type": delivery.type,
        "state": str(delivery.state),
        "attempts": delivery.attempts,
        "status": delivery.status,
        "reason": delivery.reason,
        "created_at": time_of(delivery.created_at),
        "attempted_at": time_of(delivery.attempted_at) if delivery.attempted_at else None,
        "next_attempt_at": time_of(delivery.next_at) if delivery.next_at else None,
        "data": messages.shown_of(delivery.type, delivery.data, webhook.store_id, sender.urls),
    }
