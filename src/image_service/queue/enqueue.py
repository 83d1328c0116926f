"""Adds work to the queue, in the transaction of its change."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Interval, bindparam, delete, func
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.sql import Delete, Select
from sqlmodel import col

from image_service.database.direct import Statement, Transaction
from image_service.queue.models import QueueRow, Status


@dataclass(frozen=True)
class Work:
    kind: str
    store_id: int
    payload: bytes  # for the handler; keep it small: each claim reads it
    lane: str = ""  # see `queue/__init__.py`
    name: str | None = None  # unique among queued and running work; the key for `withdrawal`
    after: timedelta = timedelta(0)  # delay before the first try


def rows_of(source: Select[*tuple[object, ...]]) -> Insert:
    """Inserts work for each row of `source`. Its columns are named as the table's: `entrypoint` (the kind), `store_id`,
    `payload`, and optionally `lane`, `dedupe_key`, `execute_after`.

    Can be part of another statement: `.cte("work")`.
    """
    return insert(QueueRow).from_select([column.name for column in source.selected_columns], source)


async def add(transaction: Transaction, work: Work) -> None:
    await transaction.rows(
        _ADD,
        kind=work.kind,
        of_store=work.store_id,
        in_lane=work.lane,
        named=work.name,
        told=work.payload,
        pause=work.after,
    )


def withdrawal(name: object) -> Delete:
    """Deletes work that has not started. Can be part of another statement."""
    return delete(QueueRow).where(col(QueueRow.dedupe_key) == name, col(QueueRow.status) == Status.QUEUED)


_ADD = Statement(
    insert(QueueRow).values(
        entrypoint=bindparam("kind"),
        store_id=bindparam("of_store"),
        lane=bindparam("in_lane"),
        dedupe_key=bindparam("named"),
        payload=bindparam("told"),
        execute_after=func.now() + bindparam("pause", type_=Interval),
    )
)
