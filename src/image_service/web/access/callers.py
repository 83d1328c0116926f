"""Identifies the caller, and checks the store's rate limit."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Path, Request

from image_service.database.database import Database
from image_service.edge.token import is_token
from image_service.errors import ImageNotFound, NoCredentials, RateLimited, ReadOnlyToken, Unauthenticated
from image_service.stores import registry, tokens
from image_service.stores.tokens import Caller, Scope
from image_service.web.access.credentials import credentials_in
from image_service.web.dialect import Dialect, dialect_of
from image_service.web.middleware.response_headers import note
from image_service.web.numbers import Id
from image_service.web.parts import Parts, PartsOf

MAX_TOKENS = 4  # looked up per request; two headers carry two

Find = Callable[[Database, str], Awaitable[Caller | None]]


async def caller_of(request: Request, parts: Parts, find: Find = tokens.find) -> Caller:
    """The caller, from the head alone, before the body is read. Raises `Unauthenticated`, `RateLimited`.

    `find` looks up a token's owner.
    """
    dialect = dialect_of(request.scope)
    address = request.client.host if request.client else ""
    try:
        caller = await _authenticate(request, parts, dialect, address, find)
    except NoCredentials:
        raise
    except Unauthenticated:
        if wait := parts.failed_credentials.count(address):
            raise RateLimited("wrong credentials", wait) from None
        raise
    request.scope["store_id"] = caller.store_id  # for the log
    await count_call(request, parts, caller.store_id)
    return caller


async def count_call(request: Request, parts: Parts, store_id: int) -> None:
    """Count one call in the store's bucket, if rate limits are set. Raises `RateLimited`."""
    if parts.rate_limit is None:
        return
    standing = await parts.rate_limit.take(store_id)
    note(request.scope, dialect_of(request.scope).rates.of(standing))
    if not standing.allowed:
        raise RateLimited("calls of the store", standing.retry_after)


async def _authenticate(request: Request, parts: Parts, dialect: Dialect, address: str, find: Find) -> Caller:
    """Ignores an unknown token beside a known one: it may be a proxy's password."""
    credentials = credentials_in(request.headers, dialect.credentials)
    if not credentials:
        store_id = parts.anonymous_store
        store = None if store_id is None else await registry.find(parts.database, store_id)
        if store is None:
            raise NoCredentials
        return Caller(store.id, Scope.WRITE, language=store.language)
    secrets = dict.fromkeys(token for _, token in credentials)
    if len(secrets) > MAX_TOKENS:
        raise Unauthenticated("too many credentials")
    async with parts.failed_credentials.lookup(address):
        callers = {token: await find(parts.database, token) for token in secrets}
    good = {token: caller for token, caller in callers.items() if caller is not None}
    if len(good) != 1:
        raise Unauthenticated("credentials that disagree" if good else "")
    ((secret, caller),) = good.items()
    if {store_id for store_id, token in credentials if token == secret} - {None, str(caller.store_id)}:
        raise Unauthenticated("not that store's")
    for token in callers.keys() - good.keys():
        if is_token(token):  # a guess by a client that also has a valid token
            parts.failed_credentials.count(address)
    return caller


async def _caller(request: Request, parts: PartsOf) -> Caller:
    return await caller_of(request, parts)


Reader = Annotated[Caller, Depends(_caller)]


async def _writer(caller: Reader) -> Caller:
    if caller.scope is not Scope.WRITE:
        raise ReadOnlyToken
    return caller


Writer = Annotated[Caller, Depends(_writer)]


async def require_own_store(
    caller: Reader, store_id: Annotated[Id, Path(description="The caller's own store id.", examples=[1])]
) -> None:
    """If the prefix names a store, another store's id does not exist."""
    if store_id != caller.store_id:
        raise ImageNotFound
