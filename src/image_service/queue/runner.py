"""Runs the queue's work in this process, with limited concurrency, until it is stopped.

pgqueuer's queue manager has the loop, the heartbeats and the log. `queue/__init__.py` lists what a handler may raise.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog
from pgqueuer.core.executors import AbstractEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain import errors, models

from image_service.background import running
from image_service.database.database import Database
from image_service.errors import Busy, DatabaseUnavailable, StorageFull, StorageUnavailable
from image_service.queue.repository import Repository
from image_service.queue.task import Again, Handler, Task
from image_service.telemetry import metrics

log = structlog.get_logger()

POLL_SECONDS = 0.5  # between polls for work of other processes: one short statement each
HEARTBEAT_SECONDS = 10.0  # after so long without one, another worker takes the row; sent twice as often
STOP_SECONDS = 5.0  # for running work when the worker stops; then the row is requeued
UNAVAILABLE_SECONDS = 5.0  # before a retry after a database or blob store error
BUG_TRIES = 5
BUG_SECONDS = 2.0  # before the second try; doubles for each further one

PASSING = (Busy, DatabaseUnavailable, StorageFull, StorageUnavailable)


@dataclass(frozen=True)
class Pace:
    """Seconds, so that tests need not wait for minutes."""

    poll: float = POLL_SECONDS
    heartbeat: float = HEARTBEAT_SECONDS
    stop: float = STOP_SECONDS
    unavailable: float = UNAVAILABLE_SECONDS


class Runner:
    def __init__(
        self, database: Database, handlers: Mapping[str, Handler], places: int, pace: Pace | None = None
    ) -> None:
        """`places`: how many handlers may run at once in this process."""
        self._pace = pace or Pace()
        self._under_way: Counter[int] = Counter()  # of each store
        self._tasks: set[asyncio.Task[None]] = set()
        self._repository = Repository(database, lambda: self._under_way, places)
        self._manager = QueueManager(self._repository)
        for kind, handler in handlers.items():
            parameters = EntrypointExecutorParameters(concurrency_limit=0, func=_unused, on_failure="hold")
            metrics.JOB_SECONDS.labels(kind)  # from the start on
            self._manager.register_executor(kind, _Executor(parameters, self, handler))

    def nudge(self) -> None:
        """Poll for work at once."""
        self._repository.nudge()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs the worker during the block. At the end, running work finishes or is requeued."""
        async with running(self._for_ever()) as loop:
            try:
                yield
            finally:
                self._repository.is_closing = True
                self._manager.shutdown.set()
                try:
                    if self._tasks:
                        await asyncio.wait(self._tasks, timeout=self._pace.stop)
                finally:
                    for task in self._tasks:
                        task.cancel()
                await loop

    async def _for_ever(self) -> None:
        while not self._manager.shutdown.is_set():
            with suppress(Exception):  # an error in the error handling below must not end this loop
                try:
                    await self._manager.run(
                        dequeue_timeout=timedelta(seconds=self._pace.poll),
                        batch_size=1,  # how many finished rows are buffered before they are logged
                        heartbeat_timeout=timedelta(seconds=self._pace.heartbeat),
                        log_aggregation_interval=timedelta(0),  # our counts are metrics
                    )
                except DatabaseUnavailable as error:
                    if self._repository.outage.should_log():
                        log.warning("the queue waits for the database", reason=str(error))
                except Exception:
                    log.exception("the queue has stopped; it begins again")
            try:
                async with asyncio.timeout(self._pace.unavailable):
                    await self._manager.shutdown.wait()
            except TimeoutError:
                pass

    async def execute(self, job: models.Job, store_id: int, handler: Handler) -> None:
        """Raises `RetryRequested`, or an unexpected error."""
        task = Task(job.id, job.entrypoint, job.payload or b"", job.attempts)
        self._under_way[store_id] += 1
        since = time.monotonic()
        try:
            async with running(handler(task)) as work:
                self._tasks.add(work)
                work.add_done_callback(self._tasks.discard)
                await asyncio.wait({work})
            self._judge(job, work)
        finally:
            self._under_way[store_id] -= 1
            if not self._under_way[store_id]:
                del self._under_way[store_id]
            seconds = time.monotonic() - since
            metrics.JOB_SECONDS.labels(job.entrypoint).observe(seconds)
            if seconds >= self._pace.poll:
                self._repository.is_more = True  # maybe

    def _judge(self, job: models.Job, work: "asyncio.Task[None]") -> None:
        if work.cancelled():
            raise errors.RetryRequested(timedelta(0), "handed back")
        match work.exception():
            case None:
                return
            case Again() as again:
                raise errors.RetryRequested(timedelta(seconds=again.pause), str(again)) from again
            case error if isinstance(error, PASSING):
                with suppress(Exception):  # an error here would have the work held
                    log.warning("work postponed", kind=job.entrypoint, reason=str(error))
                raise errors.RetryRequested(timedelta(seconds=self._pace.unavailable), str(error)) from error
            case error:
                with suppress(Exception):
                    log.error("work failed", kind=job.entrypoint, job=job.id, exc_info=error)
                if job.attempts + 1 >= BUG_TRIES:
                    raise error
                pause = timedelta(seconds=BUG_SECONDS * 2**job.attempts)
                raise errors.RetryRequested(pause, repr(error)) from error


class _Executor(AbstractEntrypointExecutor):
    def __init__(self, parameters: EntrypointExecutorParameters, runner: Runner, handler: Handler) -> None:
        super().__init__(parameters)
        self._runner = runner
        self._handler = handler

    async def execute(self, job: models.Job, context: models.Context) -> None:
        store_id = job.headers["store_id"] if job.headers else 0
        await self._runner.execute(job, store_id, self._handler)  # type: ignore[arg-type]


async def _unused(_job: models.Job) -> None:
    """pgqueuer's parameters require a function; the executor calls ours."""
