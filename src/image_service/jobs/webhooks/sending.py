"""Sends deliveries to webhooks: the queue's handler, and immediate tests."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Self
from uuid import UUID

import structlog

from image_service.database.database import Database
from image_service.errors import Busy
from image_service.ingest.fetch_policy import FetchFailed
from image_service.ingest.hosts.posting import Line, Poster
from image_service.ingest.shares import Owner, Shares
from image_service.jobs.webhooks import attempts, messages
from image_service.jobs.webhooks.attempts import Delivery, Due, Outcome, Reason
from image_service.jobs.webhooks.endpoints import Webhook
from image_service.jobs.webhooks.messages import Urls
from image_service.queue.task import Handler, Task
from image_service.telemetry import metrics

log = structlog.get_logger()

GONE = 410
AT_ONCE = 4  # to one receiver, across all workers: a webhook has one queue row at a time
SPREAD_SECONDS = 0.05  # before one more concurrent request: a fast receiver needs one connection
BATCH = 64  # deliveries per read; after a worker is killed, those it had sent are sent again
TURN_SECONDS = 2.0  # then a webhook gives up its place to others and requeues
RECORD_SECONDS = 0.25  # between two records of outcomes, while other requests hang
TESTS_AT_ONCE = 8  # per process: each is a request that waits for a receiver
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
        return str(self._poster.judged(url))

    def handler(self) -> Handler:
        """The queue's handler: sends a webhook's due deliveries. The next poll (`queue/turns.py`) finds those that
        become due too late.
        """

        async def deliver(task: Task) -> None:
            deadline = time.monotonic() + TURN_SECONDS
            webhook_id, is_more = UUID(bytes=task.payload), True
            while is_more and time.monotonic() < deadline:
                due = await attempts.due(self._database, webhook_id, BATCH)
                if due is None:
                    return
                await self._send_all(due, deadline)
                is_more = len(due.deliveries) == BATCH

        return deliver

    async def _send_all(self, due: Due, deadline: float) -> None:
        """Starts no request after `deadline`. Raises `Busy` and database errors."""
        waiting, tried = iter(due.deliveries), list[tuple[Delivery, Outcome]]()
        async with AsyncExitStack() as stack:
            line = await self._line(due.webhook, stack)

            async def some() -> None:
                for delivery in waiting:
                    tried.append((delivery, await self._attempt(due, delivery, line)))
                    if time.monotonic() >= deadline:
                        return

            sending = [asyncio.create_task(some())]
            try:
                under_way, recorded_at = set(sending), time.monotonic()
                while under_way:
                    _, under_way = await asyncio.wait(under_way, timeout=SPREAD_SECONDS)
                    if under_way and len(sending) < AT_ONCE:
                        sending.append(asyncio.create_task(some()))
                        under_way.add(sending[-1])
                    if tried and (not under_way or time.monotonic() - recorded_at >= RECORD_SECONDS):
                        done, tried[:] = tried[:], []
                        _count([outcome for _, outcome in done])
                        await attempts.record(self._database, due.webhook, done)
                        recorded_at = time.monotonic()
                for task in sending:
                    task.result()
            finally:
                for task in sending:
                    task.cancel()
                await asyncio.gather(*sending, return_exceptions=True)

    async def _line(self, webhook: Webhook, stack: AsyncExitStack) -> Line | Reason:
        """A reason if the URL is not allowed."""
        try:
            return await stack.enter_async_context(self._poster.to(webhook.url, Owner(webhook.store_id)))
        except FetchFailed as failed:
            log.info("webhook URL not allowed", webhook=webhook.id.hex, reason=str(failed))
            return Reason.NO_ANSWER
        except Exception:
            log.exception("webhook event cannot be sent", webhook=webhook.id.hex)
            return Reason.NOT_SENT

    async def _attempt(self, due: Due, delivery: Delivery, line: Line | Reason) -> Outcome:
        """Raises `Busy`."""
        if due.webhook.switched_off_at is not None:
            return Outcome(reason=Reason.SWITCHED_OFF)
        with _Counted(delivery.id, delivery.type) as counted:
            data = messages.data_of(delivery.type, delivery.data, due.webhook.store_id, self.urls)
            body = messages.body_of(delivery.type, delivery.created_at, data)
            counted.outcome = await _send(due.webhook, due.secrets, delivery.id, body, line)
        return counted.outcome

    async def test(self, webhook: Webhook, id: UUID) -> Outcome:
        """Make one attempt at once. Raises `Busy`, `WebhookNotFound`."""
        owner = Owner(webhook.store_id)
        async with self._tests.place(owner, TEST_WAIT, "tests of webhooks"), AsyncExitStack() as stack:
            secrets = await attempts.secrets_of(self._database, webhook)
            body = messages.body_of(messages.TEST, datetime.now(UTC), {"store_id": webhook.store_id})
            line = await self._line(webhook, stack)
            with _Counted(id, messages.TEST) as counted:
                counted.outcome = await _send(webhook, secrets, id, body, line)
        _count([counted.outcome])
        return counted.outcome


class _Counted:
    """A block that is one attempt. Any fault of ours in it is a failed one: it must block neither its event, whose
    attempts would never end, nor the others. `Busy` passes: the attempt has not begun.
    """

    def __init__(self, id: UUID, type: str) -> None:
        self._shown = {"delivery": id.hex, "type": type}
        self.outcome = Outcome(reason=Reason.NOT_SENT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Exception) or isinstance(error, Busy):
            return False
        log.error("webhook event cannot be sent", **self._shown, exc_info=error)
        return True


def _count(outcomes: Sequence[Outcome]) -> None:
    """Many at once: each write to the metrics' file takes as long as a part of a request."""
    for outcome, number in Counter(outcome.reason or DELIVERED for outcome in outcomes).items():
        metrics.WEBHOOK_ATTEMPTS.labels(outcome).inc(number)
    metrics.WEBHOOK_SECONDS.observe_all([outcome.took for outcome in outcomes if outcome.took is not None])


async def _send(webhook: Webhook, secrets: Sequence[bytes], id: UUID, body: bytes, line: Line | Reason) -> Outcome:
    """Raises `Busy`."""
    headers = messages.headers_of(id, body, secrets, datetime.now(UTC))
    since = time.perf_counter()
    outcome = await _post(line, webhook, body, headers)
    return replace(outcome, took=time.perf_counter() - since)


async def _post(line: Line | Reason, webhook: Webhook, body: bytes, headers: dict[str, str]) -> Outcome:
    if isinstance(line, Reason):
        return Outcome(reason=line)
    try:
        posted = await line.post(body, headers)
    except FetchFailed as failed:
        log.info("webhook not reached", webhook=webhook.id.hex, reason=str(failed))
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
