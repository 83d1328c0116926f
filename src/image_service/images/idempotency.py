"""Idempotency keys: a repeated request is executed once, and gets the first response again.

The process that does the work owns the key's row (`owner`), by a lease that it renews while it works: a process that
dies blocks its key for `LEASE` at most. The owner writes the response in the same transaction as the work.
So correctness does not depend on the lease: a process that has lost the row cannot commit.

A waiting request holds no connection. Locks are held only for a statement or the commit.
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
from sqlalchemy import and_, bindparam, delete, func, literal, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col, select

from image_service.background import running
from image_service.database import batches
from image_service.database.database import Database
from image_service.database.direct import Statement, Transaction
from image_service.errors import DatabaseUnavailable, KeyRefused, RepeatUnderWay
from image_service.images.models import IdempotencyRow
from image_service.stores.changes import store_required

log = structlog.get_logger()

KEPT = timedelta(hours=24)
LEASE = timedelta(seconds=15)
RENEWALS = 3  # per lease: two may fail
LOOK_SECONDS = (0.05, 0.5)  # between checks whether the other request is done: first, longest

Made = TypeVar("Made")


@dataclass(frozen=True)
class StoredAnswer:
    """An HTTP response, stored and sent again unchanged."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True)
class Attempt:
    """The right to execute the key's first request."""

    store_id: int
    key: str
    fingerprint: bytes  # 32, a hash of the whole request
    owner: UUID = field(default_factory=uuid4)


@dataclass(frozen=True)
class Once(Generic[Made]):
    """For an operation that creates something: stores its response in its own transaction."""

    attempt: Attempt
    answer: Callable[[Made], StoredAnswer]


async def keep(transaction: Transaction, once: Once[Made], made: Made) -> None:
    """Run as the transaction's last statement. Raises `RepeatUnderWay` if another process owns the key now."""
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
        """`wait`: seconds a repeat waits for the first request."""
        self._database = database
        self._wait = wait
        self._lease = lease

    @asynccontextmanager
    async def attempt(self, store_id: int, key: str, fingerprint: bytes) -> AsyncIterator[Attempt | StoredAnswer]:
        """Yields the first request's response, or an `Attempt` that is valid in the block. A block that raises frees
        the key: only successes are stored.

        Raises `KeyRefused` if a different request used this key, `RepeatUnderWay` if the first does not end in time,
        `StoreNotFound`.
        """
        mine = Attempt(store_id, key, fingerprint)
        answer = await self._answer_or_claim(mine)
        if answer is not None:
            yield answer
            return
        try:
            async with running(self._renew(mine)):
                yield mine
        except BaseException:
            await self._give_back(mine)
            raise

    async def has_answered(self, store_id: int, key: str) -> bool:
        """Whether this key got a response within 24 hours. A request under way does not count: if it fails, its
        repeat is executed.
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
        """None: the key is new or free. A plain read does not wait for locks."""
        async with self._database.statement() as session:
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
        with store_required():
            async with self._database.transaction() as session:
                return (await session.exec(statement)).first() is not None

    async def _renew(self, mine: Attempt) -> None:
        """Runs until cancelled."""
        statement = (
            update(IdempotencyRow).where(_under_way(mine)).values(leased_until=func.now() + literal(self._lease))
        )
        while True:
            await asyncio.sleep(self._lease.total_seconds() / RENEWALS)
            try:
                async with self._database.transaction() as session:
                    await session.exec(statement)
            except DatabaseUnavailable as error:
                log.warning("lease not renewed", reason=str(error))

    async def _give_back(self, mine: Attempt) -> None:
        """Free the key. Safe after a commit of unknown outcome: a row with a response stays."""
        try:
            async with self._database.transaction() as session:
                await session.exec(delete(IdempotencyRow).where(_under_way(mine)))
        except DatabaseUnavailable as error:
            log.warning("key stays locked until its lease ends", reason=str(error))


async def forget(database: Database, *, dry_run: bool) -> int:
    """Remove keys older than `KEPT`; returns how many."""
    past = col(IdempotencyRow.created_at) < func.now() - literal(KEPT)
    return await batches.remove(database, IdempotencyRow, past, dry_run=dry_run)


def _key_of(attempt: Attempt) -> ColumnElement[bool]:
    return and_(col(IdempotencyRow.store_id) == attempt.store_id, col(IdempotencyRow.key) == attempt.key)


def _under_way(attempt: Attempt) -> ColumnElement[bool]:
    """The row is this attempt's, without a response yet."""
    return and_(_key_of(attempt), col(IdempotencyRow.owner) == attempt.owner, col(IdempotencyRow.status).is_(None))


def _is_free() -> ColumnElement[bool]:
    """The lease has ended without a response, or `KEPT` has passed, by the database's clock."""
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
