"""The jobs of a store: created by a request, run by the queue, shown for 30 days.

A job is `queued`, then `running` through all its tries. It ends in exactly one of `finished`, `failed` and
`cancelled`, because each end updates only a row that has not ended. If the job has an effect, the same transaction
ends the job.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import ARRAY, LargeBinary, Text, bindparam, cast, exists, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col

from image_service.database import batches
from image_service.database.database import Database
from image_service.database.direct import Row, Statement, Transaction
from image_service.errors import StoreNotFound
from image_service.images import idempotency
from image_service.images.idempotency import Once
from image_service.jobs.announced import announcing
from image_service.jobs.ends import Failed, JobBegun, JobNotFound, JobOver
from image_service.jobs.models import StoreJobRow
from image_service.queue import enqueue
from image_service.queue.task import Handler, Task
from image_service.stores.changes import changes

log = structlog.get_logger()

KEPT = timedelta(days=30)


class State(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class StoreJob:
    id: UUID
    store_id: int
    number: int | None  # the order of the requests; None: from before jobs had one
    kind: str
    state: State
    asked: Any  # the request, in its kind's format
    result: Any
    receipts: Sequence[Any]
    tries: int  # earlier ones that a host refused
    first_refused_at: datetime | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class NewJob:
    """A job that a request asks for."""

    store_id: int
    kind: str
    asked: Any
    lane: str = ""  # see `queue/__init__.py`
    id: UUID = field(default_factory=uuid4)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


async def add(transaction: Transaction, job: NewJob) -> None:
    """Insert a job and its queue row, in one statement."""
    await transaction.rows(
        _ADD,
        job_id=job.id,
        of_store=job.store_id,
        of_kind=job.kind,
        told=job.asked,
        since=job.created_at,
        in_lane=job.lane,
        named=job.id.hex,
    )


async def make(database: Database, job: NewJob, once: Once[Any] | None) -> None:
    """`add` in its own transaction, which also stores `once`'s answer. Raises `RepeatUnderWay`, `StoreNotFound`."""
    async with changes(database) as transaction:
        await add(transaction, job)
        if once is not None:
            await idempotency.keep(transaction, once, job)


def handler(database: Database, run: Callable[[StoreJob], Awaitable[None]]) -> Handler:
    """The queue's handler: starts the job, runs it and ends it."""

    async def handle(task: Task) -> None:
        job = await _begin(database, UUID(bytes=task.payload))
        if job is None:
            return  # it has ended, or was removed with its store
        try:
            await run(job)
        except Failed as failed:
            await fail(database, job.id, failed.receipts)
        except (JobOver, StoreNotFound):
            log.info("job had already ended", job=job.id.hex)

    return handle


async def _begin(database: Database, id: UUID) -> StoreJob | None:
    async with database.changes() as transaction:
        found = await transaction.rows(_BEGIN, job_id=id)
    return _job(found[0]) if found else None


async def finish(transaction: Transaction, job: StoreJob, result: Any, receipts: Sequence[Any]) -> None:
    """End the job in the transaction of its effect. Raises `JobOver`, which rolls it back."""
    values = {"job_id": job.id, "ends": State.FINISHED, "gives": result, "says": list(receipts)}
    if not await transaction.rows(_END, **values):
        raise JobOver


async def fail(database: Database, id: UUID, receipts: Sequence[Any]) -> None:
    """End the job as failed, unless it has ended."""
    values = {"job_id": id, "ends": State.FAILED, "gives": None, "says": list(receipts)}
    async with database.changes() as transaction:
        await transaction.rows(_END, **values)


async def note_refusal(transaction: Transaction, job: StoreJob, receipts: Sequence[Any], asked: Any = None) -> None:
    """Count a try that a host refused, and store its receipts. `asked`: the next try's request if it differs."""
    await transaction.rows(_REFUSED, job_id=job.id, says=list(receipts), told=job.asked if asked is None else asked)


async def of_store(database: Database, store_id: int, id: UUID) -> StoreJob:
    """Raises `JobNotFound`, also for another store's job."""
    found = await database.rows(_OF_STORE, job_id=id, of_store=store_id)
    if not found:
        raise JobNotFound
    return _job(found[0])


async def page(
    database: Database, store_id: int, states: Sequence[State], offset: int, limit: int
) -> tuple[int, list[StoreJob]]:
    """The total, and one page of jobs, newest first."""
    chosen = {"of_store": store_id, "states": [str(state) for state in states]}
    [counted] = await database.rows(_COUNT, **chosen)
    rows = await database.rows(_PAGE, **chosen, skipped=offset, shown=limit)
    return counted.jobs, [_job(row) for row in rows]


async def cancel(database: Database, store_id: int, id: UUID) -> StoreJob:
    """Cancel a job that has not started. Raises `JobNotFound`, `JobBegun`."""
    async with database.changes() as transaction:
        found = await transaction.rows(_CANCEL, job_id=id, of_store=store_id, named=id.hex)
    if found:
        return _job(found[0])
    job = await of_store(database, store_id, id)
    if job.state is State.CANCELLED:
        return job
    raise JobBegun


async def forget(database: Database, *, dry_run: bool) -> int:
    """Remove the jobs created over 30 days ago. Returns how many.

    Includes jobs that have not ended: only held work waits so long, and the operator has had time to act.
    """
    past = col(StoreJobRow.created_at) < func.now() - literal(KEPT)
    return await batches.remove(database, StoreJobRow, past, dry_run=dry_run)


def _job(row: Row) -> StoreJob:
    values: dict[str, Any] = {name: row[name] for name in StoreJob.__annotations__}
    return StoreJob(**values | {"state": State(row.state)})


_ID = col(StoreJobRow.id) == bindparam("job_id")
_STORE = col(StoreJobRow.store_id) == bindparam("of_store")
_HAS_NOT_ENDED = col(StoreJobRow.finished_at).is_(None)


def _add() -> Any:
    job = (
        insert(StoreJobRow)
        .values(
            id=bindparam("job_id"),
            store_id=bindparam("of_store"),
            kind=bindparam("of_kind"),
            asked=bindparam("told", type_=JSONB(none_as_null=True)),
            created_at=bindparam("since"),
        )
        .returning(col(StoreJobRow.id), col(StoreJobRow.store_id), col(StoreJobRow.kind))
        .cte("job")
    )
    return enqueue.rows_of(
        select(
            job.c.kind.label("entrypoint"),
            job.c.store_id,
            func.uuid_send(job.c.id, type_=LargeBinary).label("payload"),
            cast(bindparam("in_lane"), Text).label("lane"),
            cast(bindparam("named"), Text).label("dedupe_key"),
        )
    )


_ADD = Statement(_add())
_BEGIN = Statement(
    update(StoreJobRow)
    .where(_ID, _HAS_NOT_ENDED)
    .values(
        state=State.RUNNING,
        started_at=func.coalesce(col(StoreJobRow.started_at), func.now()),
    )
    .returning(StoreJobRow)
)
_SAYS = {"receipts": bindparam("says", type_=JSONB(none_as_null=True))}
_END = Statement(
    announcing(
        update(StoreJobRow)
        .where(_ID, _HAS_NOT_ENDED)
        .values(
            state=bindparam("ends"),
            result=bindparam("gives", type_=JSONB(none_as_null=True)),
            finished_at=func.now(),
            **_SAYS,
        )
        .returning(StoreJobRow)
        .cte("ended")
    )
)
_TOLD = {"asked": bindparam("told", type_=JSONB(none_as_null=True))}
_REFUSED = Statement(
    update(StoreJobRow)
    .where(_ID, _HAS_NOT_ENDED)
    .values(
        tries=col(StoreJobRow.tries) + 1,
        first_refused_at=func.coalesce(col(StoreJobRow.first_refused_at), func.now()),
        **_SAYS,
        **_TOLD,
    )
)
_OF_STORE = Statement(select(StoreJobRow).where(_ID, _STORE))
_CHOSEN = (_STORE, col(StoreJobRow.state) == func.any(bindparam("states", type_=ARRAY(Text))))
_COUNT = Statement(select(func.count().label("jobs")).select_from(StoreJobRow).where(*_CHOSEN))
_PAGE = Statement(
    select(StoreJobRow)
    .where(*_CHOSEN)
    .order_by(col(StoreJobRow.created_at).desc(), col(StoreJobRow.id))
    .offset(bindparam("skipped"))
    .limit(bindparam("shown"))
)


def _cancel() -> Any:
    """Deletes the queue row only if the job was cancelled."""
    cancelled = (
        update(StoreJobRow)
        .where(_ID, _STORE, col(StoreJobRow.state) == literal(str(State.QUEUED)))
        .values(state=State.CANCELLED, finished_at=func.now())
        .returning(StoreJobRow)
        .cte("cancelled")
    )
    withdrawn = enqueue.withdrawal(bindparam("named")).where(exists().select_from(cancelled)).cte("withdrawn")
    return announcing(cancelled).add_cte(withdrawn)


_CANCEL = Statement(_cancel())
