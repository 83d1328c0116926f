"""Puts work into the queue, in the transaction of the change that it belongs to."""

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
    payload: bytes  # for the handler: small, since it is read with every claim
    lane: str = ""  # what the work is polite to
    name: str | None = None  # unique among the work that waits or is done; `withdrawal` knows it by this
    after: timedelta = timedelta(0)  # not before that has passed


def rows_of(source: Select[*tuple[object, ...]]) -> Insert:
    """Work for each row of `source`, whose columns are called as the table's: `entrypoint` (the kind), `store_id` and
    `payload`, and, where they are not to be the table's defaults, `lane`, `dedupe_key`, `execute_after`.

    Fit to be a part of another statement: `.cte("work")`.
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
    """Takes work back that has not begun; fit to be a part of another statement."""
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
