"""Tokens: a store's secrets, shown once and kept as SHA-256."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import bindparam
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from image_service.database.database import Database
from image_service.database.direct import Row, Statement
from image_service.edge.token import MUST_BE, is_token
from image_service.errors import InvalidField, StoreNotFound
from image_service.stores.models import DEFAULT_LANGUAGE, StoreRow, TokenRow

TOKEN_BYTES = 32  # 256 random bits


class Scope(StrEnum):
    WRITE = "write"
    READ = "read"


@dataclass(frozen=True)
class Caller:
    """The store and the scope of a request's token."""

    store_id: int
    scope: Scope
    token_id: int | None = None  # None: no token (`ANONYMOUS_STORE`)
    language: str = DEFAULT_LANGUAGE  # of the store's texts without a language


@dataclass(frozen=True)
class Token:
    """The data of a token that can be shown after it was issued."""

    id: int
    store_id: int
    scope: Scope
    created_at: datetime


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


_BY_DIGEST = Statement(
    select(TokenRow.store_id, TokenRow.scope, TokenRow.id, StoreRow.language)
    .join(StoreRow, col(StoreRow.id) == col(TokenRow.store_id))
    .where(TokenRow.sha256 == bindparam("sha256"))
)


async def find(database: Database, token: str) -> Caller | None:
    """Queries the database every time, so a revoked token stops working at once in every worker.

    The lookup is by digest: the secret itself is never compared, so timing reveals nothing of it. A malformed token
    needs no lookup; the quicker response reveals only the documented format.
    """
    if not is_token(token):
        return None
    found = await database.rows(_BY_DIGEST, sha256=digest(token))
    return caller_read(found[0]) if found else None


def caller_read(row: Row) -> Caller:
    """From a row with the token's `store_id`, `scope` and `id`, and its store's `language`."""
    return Caller(row.store_id, Scope(row.scope), row["id"], row.language)


async def add(session: AsyncSession, store_id: int, scope: Scope, imported: str | None = None) -> str:
    """Adds a token to a store, a random or an `imported` one; returns the secret.

    Raises `InvalidField` (`token`) if the import is too short, too long, not printable ASCII, or taken.
    """
    if imported is not None and not is_token(imported):
        raise InvalidField("token", MUST_BE)
    token = imported or secrets.token_urlsafe(TOKEN_BYTES)
    taken = select(TokenRow.id).where(TokenRow.sha256 == digest(token))
    if (await session.exec(taken)).first() is not None:
        raise InvalidField("token", "is in use already")
    session.add(TokenRow(store_id=store_id, sha256=digest(token), scope=str(scope)))
    await session.flush()
    return token


async def issue(database: Database, store_id: int, scope: Scope) -> str:
    """Adds a token to a store; returns the secret. Raises `StoreNotFound`."""
    try:
        async with database.transaction() as session:
            return await add(session, store_id, scope)
    except IntegrityError as error:
        raise StoreNotFound(f"no store {store_id}") from error


async def of_store(database: Database, store_id: int) -> list[Token]:
    """Raises `StoreNotFound`."""
    async with database.statement() as session:
        if await session.get(StoreRow, store_id) is None:
            raise StoreNotFound(f"no store {store_id}")
        rows = await session.exec(select(TokenRow).where(TokenRow.store_id == store_id).order_by(col(TokenRow.id)))
        return [Token(row.id, row.store_id, Scope(row.scope), row.created_at) for row in rows]


async def revoke(database: Database, token_id: int) -> bool:
    """Takes effect with the next request, in every worker. False: there was no such token."""
    async with database.transaction() as session:
        row = await session.get(TokenRow, token_id)
        if row is None:
            return False
        await session.delete(row)
        return True
