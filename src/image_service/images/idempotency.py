"""Idempotency keys: a request that a client repeats is done once, and answered as it was the first time.

The process that does the work owns the key's row (`owner`), by a lease that it renews while it works: a process that
dies blocks its key for `LEASE` at most. The owner writes the answer in the same transaction as the work.
So correctness does not depend on the lease: a process that has lost the row cannot commit.

A waiting request holds no connection, and no lock is held longer than a statement or the commit takes.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar
from uuid import UUID, uuid4

import structlog
from sqlalchemy import and_, bindparam, delete, func, literal, or_, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col, select

from image_service.database.database import Database
from image_service.database.direct import Statement, Transaction
from image_service.errors import DatabaseUnavailable, KeyRefused, RepeatUnderWay, StoreNotFound
from image_service.images.models import IdempotencyRow

log = structlog.get_logger()

KEPT = timedelta(hours=24)
LEASE = timedelta(seconds=15)
RENEWALS = 3  # in the time of a lease: two may fail
LOOK_SECONDS = (0.05, 0.5)  # between two looks at another request's work: at first, and at most
BATCH = 5_000  # rows in one delete: well within the time that a statement has

Made = TypeVar("Made")


@dataclass(frozen=True)
class StoredAnswer:
    """What an HTTP answer is made of; kept and given again as it is."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True)
class Attempt:
    """The right to do what the key's first request asked for."""

    store_id: int
    key: str
    fingerprint: bytes  # 32, of all that the request asks for
    owner: UUID = field(default_factory=uuid4)


@dataclass(frozen=True)
class Once(Generic[Made]):
    """For an operation that makes something: keep in your own transaction what you answer."""

    attempt: Attempt
    answer: Callable[[Made], StoredAnswer]


async def keep(transaction: Transaction, once: Once[Made], made: Made) -> None:
    """The last statement of the operation's transaction. Raises `RepeatUnderWay` if the key is not ours any more."""
    answer, attempt = once.answer(made), once.attempt
    ours = await transaction.rows(
        _KEEP,
        of_store=attempt.store_id,
        named=attempt.key,
        taken_by=attempt.owner,
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
    )
    if not ours:
        raise RepeatUnderWay("another request has taken over this key")


class IdempotencyKeys:
    def __init__(self, database: Database, *, wait: float, lease: timedelta = LEASE) -> None:
        """`wait`: seconds that a repeat waits for the first to end."""
        self._database = database
        self._wait = wait
        self._lease = lease

    @asynccontextmanager
    async def attempt(self, store_id: int, key: str, fingerprint: bytes) -> AsyncIterator[Attempt | StoredAnswer]:
        """The first request's answer; or else the right to be the first, which ends with the block. A block that
        raises gives the key back: only successes are kept.

        Raises `KeyRefused` if another request had this key, `RepeatUnderWay` if the first does not end in time,
        `StoreNotFound`.
        """
        mine = Attempt(store_id, key, fingerprint)
        answer = await self._answer_or_claim(mine)
        if answer is not None:
            yield answer
            return
        ended = asyncio.Event()
        renewing = asyncio.create_task(self._renew(mine, ended))
        try:
            yield mine
        except BaseException:
            await self._give_back(mine)
            raise
        finally:
            ended.set()
            await renewing

    async def has_answered(self, store_id: int, key: str) -> bool:
        """Whether a request with this key has been answered within the day. A request under way does not count: if it
        fails, a repeat of it is the first.
        """
        row = await self._look(Attempt(store_id, key, b""))
        return row is not None and row.status is not None

    async def _answer_or_claim(self, mine: Attempt) -> StoredAnswer | None:
        deadline = time.monotonic() + self._wait
        pause, longest = LOOK_SECONDS
        while True:
            row = await self._look(mine)
            if row is None and await self._claim(mine):
                return None
            if row is not None and row.fingerprint != mine.fingerprint:
                raise KeyRefused("was used for another request")
            if row is not None and row.status is not None:
                return StoredAnswer(row.status, tuple((name, value) for name, value in row.headers), row.body or b"")
            if time.monotonic() + pause > deadline:
                raise RepeatUnderWay("the first request with this key has not ended")
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)

    async def _look(self, mine: Attempt) -> IdempotencyRow | None:
        """None: the key is new, or free again. A plain read waits for no lock."""
        async with self._database.reading() as session:
            statement = select(IdempotencyRow).where(_key_of(mine), ~_is_free())
            return (await session.exec(statement)).first()

    async def _claim(self, mine: Attempt) -> bool:
        row = insert(IdempotencyRow).values(
            store_id=mine.store_id,
            key=mine.key,
            fingerprint=mine.fingerprint,
            owner=mine.owner,
            leased_until=func.now() + literal(self._lease),
        )
        taken = {name: row.excluded[name] for name in ("fingerprint", "owner", "leased_until", "created_at")}
        statement = row.on_conflict_do_update(
            index_elements=["store_id", "key"],
            set_={**taken, "status": None, "headers": None, "body": None},
            where=_is_free(),
        ).returning(col(IdempotencyRow.owner))
        try:
            async with self._database.transaction() as session:
                return (await session.exec(statement)).first() is not None
        except IntegrityError as error:  # the one that it can break: the store's
            raise StoreNotFound from error

    async def _renew(self, mine: Attempt, ended: asyncio.Event) -> None:
        """Until `ended`."""
        statement = (
            update(IdempotencyRow).where(_under_way(mine)).values(leased_until=func.now() + literal(self._lease))
        )
        while not ended.is_set():
            try:
                async with asyncio.timeout(self._lease.total_seconds() / RENEWALS):
                    await ended.wait()
            except TimeoutError:
                try:
                    async with self._database.transaction() as session:
                        await session.exec(statement)
                except DatabaseUnavailable as error:
                    log.warning("lease not renewed", reason=str(error))

    async def _give_back(self, mine: Attempt) -> None:
        """A commit whose outcome is unknown is safe from this: its row, if it is there, has its answer."""
        try:
            async with self._database.transaction() as session:
                await session.exec(delete(IdempotencyRow).where(_under_way(mine)))
        except DatabaseUnavailable as error:
            log.warning("key stays locked until its lease ends", reason=str(error))


async def forget(database: Database, *, dry_run: bool) -> int:
    """Remove the keys that are past their day; returns how many those were."""
    past = col(IdempotencyRow.created_at) < func.now() - literal(KEPT)
    if dry_run:
        async with database.reading() as session:
            return (await session.exec(select(func.count()).select_from(IdempotencyRow).where(past))).one()
    name = tuple_(col(IdempotencyRow.store_id), col(IdempotencyRow.key))
    some = select(IdempotencyRow.store_id, IdempotencyRow.key).where(past).limit(BATCH)
    removed = 0
    while True:
        async with database.transaction() as session:
            gone = await session.exec(
                delete(IdempotencyRow).where(name.in_(some), past).returning(col(IdempotencyRow.key))
            )
            count = len(gone.all())
        removed += count
        if count < BATCH:
            return removed


def _key_of(attempt: Attempt) -> ColumnElement[bool]:
    return and_(col(IdempotencyRow.store_id) == attempt.store_id, col(IdempotencyRow.key) == attempt.key)


def _under_way(attempt: Attempt) -> ColumnElement[bool]:
    """The row is this attempt's, and has no answer yet."""
    return and_(_key_of(attempt), col(IdempotencyRow.owner) == attempt.owner, col(IdempotencyRow.status).is_(None))


def _is_free() -> ColumnElement[bool]:
    """The row has no owner any more: it has died, or the day is over, by the database's clock."""
    died = and_(col(IdempotencyRow.status).is_(None), col(IdempotencyRow.leased_until) < func.now())
    return or_(died, col(IdempotencyRow.created_at) < func.now() - literal(KEPT))


_KEEP = Statement(
    update(IdempotencyRow)
    .where(
        col(IdempotencyRow.store_id) == bindparam("of_store"),
        col(IdempotencyRow.key) == bindparam("named"),
        col(IdempotencyRow.owner) == bindparam("taken_by"),
        col(IdempotencyRow.status).is_(None),
    )
    .values({name: bindparam(name) for name in ("status", "headers", "body")})
    .returning(col(IdempotencyRow.owner))
)
