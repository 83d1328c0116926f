"""Sends what is due to webhooks: the queue's handler, and a test at once."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import structlog

from image_service.database.database import Database
from image_service.ingest.fetch_policy import FetchFailed
from image_service.ingest.hosts.posting import Poster
from image_service.ingest.shares import Owner, Shares
from image_service.jobs.webhooks import attempts, messages
from image_service.jobs.webhooks.attempts import Due, Outcome, Reason
from image_service.jobs.webhooks.endpoints import Webhook
from image_service.jobs.webhooks.messages import Urls
from image_service.queue.task import Again, Handler, Task
from image_service.telemetry import metrics

log = structlog.get_logger()

GONE = 410
TESTS_AT_ONCE = 8  # in a process: each is a request that waits for a stranger
TEST_WAIT = 1.0  # seconds
DELIVERED = "delivered"
for _outcome in (DELIVERED, *Reason):
    metrics.WEBHOOK_ATTEMPTS.labels(_outcome)


class Sender:
    def __init__(self, database: Database, poster: Poster, urls: Urls) -> None:
        self._database = database
        self._poster = poster
        self.urls = urls
        self._tests = Shares(TESTS_AT_ONCE)

    def judged(self, url: str) -> str:
        """See `Poster.judged`."""
        return self._poster.judged(url)

    def handler(self) -> Handler:
        """For the queue: one attempt of a delivery."""

        async def deliver(task: Task) -> None:
            due = await attempts.due(self._database, UUID(bytes=task.payload))
            if due is None:
                return
            pause = await attempts.record(self._database, due, await self._attempt(due))
            if pause is not None:
                raise Again(pause)

        return deliver

    async def _attempt(self, due: Due) -> Outcome:
        if due.webhook.switched_off_at is not None:
            return Outcome(reason=Reason.SWITCHED_OFF)
        delivery = due.delivery
        data = messages.data_of(delivery.type, delivery.data, due.webhook.store_id, self.urls)
        body = messages.body_of(delivery.type, delivery.created_at, data)
        return await self._send(due.webhook, due.secrets, delivery.id, body)

    async def test(self, webhook: Webhook, id: UUID) -> Outcome:
        """One attempt, at once. Raises `Busy`, `WebhookNotFound`."""
        async with self._tests.place(Owner(webhook.store_id), TEST_WAIT, "tests of webhooks"):
            secrets = await attempts.secrets_of(self._database, webhook)
            body = messages.body_of(messages.TEST, datetime.now(UTC), {"store_id": webhook.store_id})
            return await self._send(webhook, secrets, id, body)

    async def _send(self, webhook: Webhook, secrets: Sequence[bytes], id: UUID, body: bytes) -> Outcome:
        """Raises `Busy`."""
        headers = messages.headers_of(id, body, secrets, datetime.now(UTC))
        with metrics.WEBHOOK_SECONDS.time():
            outcome = await self._post(webhook, body, headers)
        metrics.WEBHOOK_ATTEMPTS.labels(outcome.reason or DELIVERED).inc()
        return outcome

    async def _post(self, webhook: Webhook, body: bytes, headers: dict[str, str]) -> Outcome:
        try:
            posted = await self._poster.post(webhook.url, body, headers, Owner(webhook.store_id))
        except FetchFailed as failed:
            log.info("a webhook was not reached", webhook=webhook.id.hex, reason=str(failed))
            return Outcome(reason=Reason.NO_ANSWER)
        match posted.status:
            case status if 200 <= status < 300:
                return Outcome(status)
            case status if 300 <= status < 400:
                return Outcome(status, Reason.REDIRECTED)
            case status if status == GONE:
                return Outcome(status, Reason.GONE)
            case status:
                return Outcome(status, Reason.BAD_STATUS, posted.retry_after)
