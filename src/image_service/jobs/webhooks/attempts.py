"""One attempt at a delivery: what is due, what comes of it, and when the next one is made."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import BigInteger, Interval, SmallInteger, Text, Uuid, bindparam, text

from image_service.database.database import Database
from image_service.database.direct import Row, Statement
from image_service.jobs.webhooks.endpoints import Webhook, webhook_of
from image_service.jobs.webhooks.errors import WebhookNotFound
from image_service.telemetry import metrics

log = structlog.get_logger()

# Seconds from one failed attempt to the next, as Standard Webhooks has them: three days in all.
MINUTE, HOUR = 60.0, 3600.0
PAUSES = (5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
JITTER = 0.1  # of a pause at the most: what failed together is not tried again together
SWITCHED_OFF_AFTER = timedelta(days=5)  # of failure, without one success


class State(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class Reason(StrEnum):
    """Why an attempt came to nothing. What happens before an answer has one name: see `ingest/fetch_policy.py`."""

    NO_ANSWER = "no_answer"
    BAD_STATUS = "bad_status"
    REDIRECTED = "redirected"
    GONE = "gone"
    SWITCHED_OFF = "switched_off"  # the webhook, before this was sent


FINAL = (Reason.REDIRECTED, Reason.GONE, Reason.SWITCHED_OFF)


@dataclass(frozen=True)
class Delivery:
    id: UUID
    type: str
    data: Any  # as its outbox has it
    state: State
    attempts: int
    status: int | None
    reason: str | None
    created_at: datetime
    attempted_at: datetime | None
    next_at: datetime | None


@dataclass(frozen=True)
class Due:
    """A delivery that is to be sent, and all that it takes."""

    delivery: Delivery
    webhook: Webhook
    secrets: tuple[bytes, ...]  # the newest first


@dataclass(frozen=True)
class Outcome:
    """Of one attempt."""

    status: int | None = None
    reason: Reason | None = None  # None: it has come through
    retry_after: float | None = None  # seconds that the receiver asks for


async def due(database: Database, id: UUID) -> Due | None:
    """None: it has ended, or is gone with its webhook."""
    found = await database.rows(_DUE, this=id)
    if not found:
        return None
    [row] = found
    webhook = webhook_of({**row, "id": row.webhook_id, "created_at": row.made_at})
    return Due(delivery_of(row), webhook, _secrets(row))


async def secrets_of(database: Database, webhook: Webhook) -> tuple[bytes, ...]:
    """The newest first. Raises `WebhookNotFound`."""
    found = await database.rows(_SECRETS, this=webhook.id)
    if not found:
        raise WebhookNotFound
    return _secrets(found[0])


def _secrets(row: Row) -> tuple[bytes, ...]:
    return (row.secret,) if row.previous_secret is None else (row.secret, row.previous_secret)


async def record(database: Database, sent: Due, outcome: Outcome) -> float | None:
    """What came of an attempt; returns the seconds until the next, None: there is none."""
    pause = _pause(sent.delivery, outcome)
    values = {"this": sent.delivery.id, "webhook": sent.webhook.id, "status": outcome.status}
    if outcome.reason is None:
        await write(database, _SUCCEEDED, **values)
        return None
    written = await write(
        database,
        _FAILED,
        **values,
        reason=str(outcome.reason),
        pause=None if pause is None else timedelta(seconds=pause),
        patience=SWITCHED_OFF_AFTER,
    )
    if any(row.is_off for row in written):
        metrics.WEBHOOKS_SWITCHED_OFF.inc()
        log.warning("a webhook has failed for days and is switched off", webhook=sent.webhook.id.hex)
        await write(database, _GIVE_UP, webhook=sent.webhook.id, store=sent.webhook.store_id)
        return None
    return pause


def _pause(delivery: Delivery, outcome: Outcome) -> float | None:
    if outcome.reason is None or outcome.reason in FINAL or delivery.attempts >= len(PAUSES):
        return None
    pause = PAUSES[delivery.attempts] * (1 + JITTER * random.random())  # noqa: S311 - nobody gains by guessing it
    return max(pause, min(outcome.retry_after or 0.0, PAUSES[-1]))


async def write(database: Database, statement: Statement, **values: Any) -> list[Row]:
    """One statement, committed by itself: a third of the round trips of a transaction."""
    return await database.raw(statement.sql, *statement.arguments(values))


def delivery_of(row: Row) -> Delivery:
    values: dict[str, Any] = {name: row[name] for name in Delivery.__annotations__}
    return Delivery(**values | {"state": State(row.state)})


def statement(sql: str, **types: Any) -> Statement:
    return Statement(text(sql).bindparams(*(bindparam(name, type_=kind) for name, kind in types.items())))


COLUMNS = ", ".join(f"deliveries.{name}" for name in Delivery.__annotations__)
_DUE = statement(
    f"""SELECT {COLUMNS}, webhooks.id AS webhook_id, store_id, url, events, webhooks.created_at AS made_at,
        failing_since, switched_off_at, switched_off_why, secret, previous_until,
        CASE WHEN previous_until > now() THEN previous_secret END AS previous_secret
    FROM deliveries JOIN webhooks ON webhooks.id = webhook_id
    WHERE deliveries.id = :this AND state = 'waiting'""",  # noqa: S608 - names of columns
    this=Uuid,
)
_SECRETS = statement(
    """SELECT secret, CASE WHEN previous_until > now() THEN previous_secret END AS previous_secret
    FROM webhooks WHERE id = :this""",
    this=Uuid,
)
_SUCCEEDED = statement(
    """WITH recovered AS (
        UPDATE webhooks SET failing_since = NULL WHERE id = :webhook AND failing_since IS NOT NULL
    )
    UPDATE deliveries SET state = 'delivered', attempts = attempts + 1, status = :status, reason = NULL,
        attempted_at = now(), next_at = NULL
    WHERE id = :this AND state = 'waiting'""",
    this=Uuid,
    webhook=Uuid,
    status=SmallInteger,
)
# The webhook is written to when it begins to fail, and when it has failed too long: not each time.
_FAILED = statement(
    """WITH failing AS (
        UPDATE webhooks SET failing_since = coalesce(failing_since, now()),
            switched_off_at = CASE WHEN failing_since IS NOT NULL THEN now() END,
            switched_off_why = CASE WHEN failing_since IS NOT NULL THEN :reason END
        WHERE id = :webhook AND switched_off_at IS NULL
            AND (failing_since IS NULL OR failing_since <= now() - :patience)
        RETURNING switched_off_at IS NOT NULL AS is_off
    )
    UPDATE deliveries SET attempts = attempts + 1, status = :status, reason = :reason, attempted_at = now(),
        state = CASE WHEN CAST(:pause AS interval) IS NULL THEN 'failed' ELSE 'waiting' END,
        next_at = now() + :pause
    WHERE id = :this AND state = 'waiting'
    RETURNING coalesce((SELECT is_off FROM failing), FALSE) AS is_off""",
    this=Uuid,
    webhook=Uuid,
    status=SmallInteger,
    reason=Text,
    pause=Interval,
    patience=Interval,
)
_GIVE_UP = statement(
    """WITH unsent AS (
        DELETE FROM pgqueuer WHERE store_id = :store AND lane = CAST(:webhook AS text) AND status = 'queued'
    )
    UPDATE deliveries SET state = 'failed', reason = 'switched_off', next_at = NULL
    WHERE webhook_id = :webhook AND state = 'waiting'""",
    webhook=Uuid,
    store=BigInteger,
)
