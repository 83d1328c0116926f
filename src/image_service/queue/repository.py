"""pgqueuer's database interface over our connection pool, with our own order of turns and without LISTEN."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain import models, types
from pgqueuer.ports.driver import Driver, NotifyCallback
from pgqueuer.ports.repository import EntrypointExecutionParameter

from image_service.database.database import Database
from image_service.errors import DatabaseUnavailable
from image_service.queue import turns
from image_service.queue.outage import Outage

log = structlog.get_logger()

PAUSE_SECONDS = 1.0  # between two tries while the database is down


class PoolDriver(Driver):
    """Sends statements over the service's pool. A nudge replaces LISTEN and NOTIFY: NOTIFY in a transaction takes a
    cluster-wide lock, and a listener needs its own connection.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._shutdown = asyncio.Event()
        self._callbacks: list[NotifyCallback] = []

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        return [dict(row) for row in await self._database.raw(query, *args)]

    async def execute(self, query: str, *args: object) -> str:
        await self._database.raw(query, *args)
        return ""

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        self._callbacks.append(callback)

    async def notify(self, channel: str, payload: str) -> None:
        self._tell(payload)

    def nudge(self, channel: str) -> None:
        """Look now whether there is work."""
        event = models.TableChangedEvent(
            channel=types.Channel(channel),
            sent_at=datetime.now(UTC),
            type="table_changed_event",
            operation="insert",
            table="pgqueuer",
        )
        self._tell(event.model_dump_json())

    def _tell(self, payload: str) -> None:
        for callback in self._callbacks:
            callback(payload)

    @property
    def shutdown(self) -> asyncio.Event:
        return self._shutdown

    @property
    def tm(self) -> Any:
        raise NotImplementedError  # of drivers that listen

    async def __aenter__(self) -> "PoolDriver":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._callbacks.clear()


class Repository(Queries):
    """A database outage is no error here: the queue manager continues when it is over."""

    def __init__(self, database: Database, under_way: Callable[[], Mapping[int, int]], places: int) -> None:
        self.pool = PoolDriver(database)
        super().__init__(self.pool)
        self._database = database
        self._under_way = under_way
        self._places = places
        self._has_taken_all = False
        self._is_nudged = False  # since the latest look began
        self.outage = Outage()
        self.is_closing = False
        self.is_more = False  # due work may be left, which had no place, or came later

    def nudge(self) -> None:
        self._is_nudged = True
        self.pool.nudge(self.qbq.settings.channel)

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: dict[types.QueueEntrypoint, EntrypointExecutionParameter],
        queue_manager_id: types.QueueManagerId,
        global_concurrency_limit: int | None,
        heartbeat_timeout: timedelta,
    ) -> list[models.Job]:
        """Claims rows in turns (`turns.py`), up to the free places.

        pgqueuer calls it again at once if it returns rows. If these were all, that call need not look.
        """
        if self._has_taken_all and not self._is_nudged:
            self._has_taken_all = False
            return []
        self._is_nudged = False
        try:
            claimed = await turns.claim(
                self._database,
                queue_manager_id,
                entrypoints,
                under_way=self._under_way(),
                places=self._places,
                stale=heartbeat_timeout,
            )
        except DatabaseUnavailable as error:
            if self.outage.should_log():
                log.warning("queue cannot be read", reason=str(error))
            return []
        if self.outage.recovered():
            log.info("queue can be read again")
        self.is_more = claimed.is_more
        self._has_taken_all = bool(claimed.rows) and not claimed.is_more
        # `headers` is the only field of pgqueuer's job for our columns.
        return [models.Job.model_validate({**row, "headers": {"store_id": row.store_id}}) for row in claimed.rows]

    async def log_jobs(
        self, job_status: list[tuple[models.Job, types.JOB_STATUS, models.TracebackRecord | None]]
    ) -> None:
        await super().log_jobs(job_status)
        if self.is_more:
            self.nudge()  # a place is free

    async def retry_job(
        self, job: models.Job, delay: timedelta, traceback_record: models.TracebackRecord | None
    ) -> None:
        """Repeats until it is written or the worker stops; then another worker finds the stale heartbeat."""
        while True:
            try:
                await super().retry_job(job, delay, traceback_record)
            except DatabaseUnavailable:
                if self.is_closing:
                    return
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                self.nudge()
                return

    # pgqueuer calls these to choose how long to sleep. A nudge ends its sleep early.
    async def eligible_queued_work(self, entrypoints: list[types.QueueEntrypoint]) -> int:
        return 0

    async def queued_work(self, entrypoints: list[types.QueueEntrypoint]) -> int:
        return 0

    async def next_deferred_eta(self, entrypoints: list[types.QueueEntrypoint]) -> timedelta | None:
        return None
