"""Delivery attempts: a webhook's due deliveries, their outcomes, and the times of retries."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ARRAY, BigInteger, Boolean, Integer, Interval, SmallInteger, Text, Uuid

from image_service.database.batches import BATCH
from image_service.database.database import Database
from image_service.database.direct import Row, statement_of
from image_service.jobs.webhooks.endpoints import Webhook, webhook_of
from image_service.jobs.webhooks.errors import WebhookNotFound
from image_service.telemetry import metrics

log = structlog.get_logger()

# Seconds from one failed attempt to the next, from Standard Webhooks: three days in all.
MINUTE, HOUR = 60.0, 3600.0
PAUSES = (5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
JITTER = 0.1  # share of a pause, at most: spreads the retries of deliveries that failed together
SWITCHED_OFF_AFTER = timedelta(days=5)  # of failures without a success


class State(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class Reason(StrEnum):
    """Why an attempt failed. All failures before a response share one name: see `ingest/fetch_policy.py`."""

    NO_ANSWER = "no_answer"
    BAD_STATUS = "bad_status"
    REDIRECTED = "redirected"
    GONE = "gone"
    SWITCHED_OFF = "switched_off"  # the webhook was, before the attempt
    NOT_SENT = "not_sent"  # a fault of the service


FINAL = (Reason.REDIRECTED, Reason.GONE, Reason.SWITCHED_OFF)


@dataclass(frozen=True)
class Delivery:
    id: UUID
    type: str
    data: Any  # as the outbox stores it
    state: State
    attempts: int
    status: int | None
    reason: str | None
    created_at: datetime
    attempted_at: datetime | None
    next_at: datetime | None


@dataclass(frozen=True)
class Due:
    """The due deliveries of a webhook, and what sending needs."""

    deliveries: tuple[Delivery, ...]  # the longest due first
    webhook: Webhook
    secrets: tuple[bytes, ...]  # the newest first


@dataclass(frozen=True)
class Outcome:
    """The outcome of one attempt."""

    status: int | None = None
    reason: Reason | None = None  # None: it succeeded
    retry_after: float | None = None  # seconds, from the receiver
    took: float | None = None  # seconds, if it was sent


async def due(database: Database, webhook_id: UUID, most: int) -> Due | None:
    """Up to `most` due deliveries. None if there are none, or no such webhook."""
    rows = await database.rows(_DUE, webhook=webhook_id, most=most)
    if not rows:
        return None
    first = rows[0]
    webhook = webhook_of({**first, "id": webhook_id, "created_at": first.made_at})
    return Due(tuple(map(delivery_of, rows)), webhook, _secrets(first))


async def secrets_of(database: Database, webhook: Webhook) -> tuple[bytes, ...]:
    """The newest first. Raises `WebhookNotFound`."""
    found = await database.rows(_SECRETS, this=webhook.id)
    if not found:
        raise WebhookNotFound
    return _secrets(found[0])


def _secrets(row: Row) -> tuple[bytes, ...]:
    return (row.secret,) if row.previous_secret is None else (row.secret, row.previous_secret)


async def record(database: Database, webhook: Webhook, tried: Sequence[tuple[Delivery, Outcome]]) -> None:
    """Record outcomes in one statement. Does not overwrite what another worker recorded meanwhile."""
    failures = [outcome for _, outcome in tried if outcome.reason is not None]
    theirs = [outcome for outcome in failures if outcome.reason is not Reason.NOT_SENT]
    has_come = len(failures) < len(tried)
    pauses = [_pause(delivery, outcome) for delivery, outcome in tried]
    written = await database.execute(
        _RECORD if failures else _SUCCEEDED,
        webhook=webhook.id,
        ids=[delivery.id for delivery, _ in tried],
        tries=[delivery.attempts for delivery, _ in tried],
        statuses=[outcome.status for _, outcome in tried],
        reasons=[outcome.reason and str(outcome.reason) for _, outcome in tried],
        pauses=[None if pause is None else timedelta(seconds=pause) for pause in pauses],
        has_come=has_come,
        has_failed=bool(theirs) and not has_come,
        latest=str(theirs[-1].reason) if theirs else None,
        patience=SWITCHED_OFF_AFTER,
    )
    if any(row.is_off for row in written):
        metrics.WEBHOOKS_SWITCHED_OFF.inc()
        log.warning("webhook switched off after days of failures", webhook=webhook.id.hex)
        while len(await database.execute(_GIVE_UP, webhook=webhook.id, most=BATCH)) == BATCH:
            pass


def _pause(delivery: Delivery, outcome: Outcome) -> float | None:
    if outcome.reason is None or outcome.reason in FINAL or delivery.attempts >= len(PAUSES):
        return None
    pause = PAUSES[delivery.attempts] * (1 + JITTER * random.random())  # noqa: S311 - not a secret
    return max(pause, min(outcome.retry_after or 0.0, PAUSES[-1]))


def delivery_of(row: Row) -> Delivery:
    values: dict[str, Any] = {name: row[name] for name in Delivery.__annotations__}
    return Delivery(**values | {"state": State(row.state)})


COLUMNS = ", ".join(f"deliveries.{name}" for name in Delivery.__annotations__)
_DUE = statement_of(
    f"""SELECT {COLUMNS}, store_id, url, events, webhooks.created_at AS made_at,
        failing_since, switched_off_at, switched_off_why, secret, previous_until,
        CASE WHEN previous_until > now() THEN previous_secret END AS previous_secret
    FROM deliveries JOIN webhooks ON webhooks.id = webhook_id
    WHERE webhook_id = :webhook AND state = 'waiting' AND coalesce(next_at, deliveries.created_at) <= now()
    ORDER BY coalesce(next_at, deliveries.created_at) LIMIT :most""",  # noqa: S608 - names of columns
    webhook=Uuid,
    most=BigInteger,
)
_SECRETS = statement_of(
    """SELECT secret, CASE WHEN previous_until > now() THEN previous_secret END AS previous_secret
    FROM webhooks WHERE id = :this""",
    this=Uuid,
)
# False if another worker tried the delivery, or it was reset, since it was read.
_STILL = "deliveries.id = tried.id AND deliveries.attempts = tries AND deliveries.state = 'waiting'"
_SUCCEEDED = statement_of(
    f"""WITH recovered AS (
        UPDATE webhooks SET failing_since = NULL WHERE id = :webhook AND failing_since IS NOT NULL
    )
    UPDATE deliveries SET state = 'delivered', attempts = attempts + 1, status = tried.status, reason = NULL,
        attempted_at = now(), next_at = NULL
    FROM unnest(:ids, :tries, :statuses) AS tried (id, tries, status) WHERE {_STILL}
    RETURNING FALSE AS is_off""",  # noqa: S608 - as it stands above
    webhook=Uuid,
    ids=ARRAY(Uuid),
    tries=ARRAY(Integer),
    statuses=ARRAY(SmallInteger),
)
# Updates the webhook only when it starts to fail, when it recovers, and when it has failed too long.
_RECORD = statement_of(
    f"""WITH webhook AS (
        UPDATE webhooks SET failing_since = CASE WHEN :has_failed THEN coalesce(failing_since, now()) END,
            switched_off_at = CASE WHEN :has_failed AND failing_since IS NOT NULL THEN now() END,
            switched_off_why = CASE WHEN :has_failed AND failing_since IS NOT NULL THEN :latest END
        WHERE id = :webhook AND switched_off_at IS NULL AND CASE
            WHEN :has_failed THEN failing_since IS NULL OR failing_since <= now() - :patience
            ELSE :has_come AND failing_since IS NOT NULL END
        RETURNING switched_off_at IS NOT NULL AS is_off
    )
    UPDATE deliveries SET attempts = attempts + 1, status = tried.status, reason = tried.reason, attempted_at = now(),
        state = CASE WHEN tried.reason IS NULL THEN 'delivered' WHEN pause IS NULL THEN 'failed' ELSE 'waiting' END,
        next_at = now() + pause
    FROM unnest(:ids, :tries, :statuses, :reasons, :pauses) AS tried (id, tries, status, reason, pause) WHERE {_STILL}
    RETURNING coalesce((SELECT is_off FROM webhook), FALSE) AS is_off""",  # noqa: S608 - as it stands above
    webhook=Uuid,
    ids=ARRAY(Uuid),
    tries=ARRAY(Integer),
    statuses=ARRAY(SmallInteger),
    reasons=ARRAY(Text),
    pauses=ARRAY(Interval),
    has_come=Boolean,
    has_failed=Boolean,
    latest=Text,
    patience=Interval,
)
_GIVE_UP = statement_of(
    """UPDATE deliveries SET state = 'failed', reason = 'switched_off', next_at = NULL
    WHERE state = 'waiting' AND id IN (
        SELECT id FROM deliveries WHERE webhook_id = :webhook AND state = 'waiting' LIMIT :most
    ) RETURNING id""",
    webhook=Uuid,
    most=BigInteger,
)
