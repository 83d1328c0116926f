"""What a route may ask for: the parts of the service, and who is calling."""

import base64
import binascii
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request
from pydantic import BeforeValidator, Field
from starlette.exceptions import HTTPException

from image_service.database.sessions import Database
from image_service.errors import ImageNotFound, RateLimited, ReadOnlyToken, Unauthenticated
from image_service.images.idempotency import IdempotencyKeys
from image_service.images.library import Library
from image_service.images.ticket_signature import TicketKey
from image_service.images.variants import Variants
from image_service.ingest.sources import Ingest
from image_service.pixels.sizes import Size
from image_service.storage.base import Storage
from image_service.storage.staging import Staging
from image_service.stores import registry, tokens
from image_service.stores.rate_limit import RateLimit
from image_service.stores.tokens import Caller, Scope
from image_service.telemetry.tally import Tally
from image_service.web.failed_credentials import FailedCredentials
from image_service.web.middleware.outermost import note
from image_service.web.readiness import Readiness

MAX_ID = 2**63 - 1  # PostgreSQL's bigint
_ID_DIGITS = 19
DECIMAL = re.compile(r"-?[0-9]{1,100}")  # what Python would take beside it: `1_000`, ` 1`, `+1`


@dataclass(frozen=True)
class Parts:
    """Built by `create_app` when the service starts; routes get them by dependency, never by import."""

    database: Database
    storage: Storage
    staging: Staging
    readiness: Readiness
    ingest: Ingest
    library: Library
    idempotency_keys: IdempotencyKeys
    variants: Variants
    api_base: str  # URL without a slash at its end
    delivery_base: str
    delivery_redirect: str | None  # where else the pictures that are kept can be had: URL without a slash at its end
    sizes: tuple[Size, ...]
    max_image_bytes: int
    max_json_bytes: int
    anonymous_store: int | None
    cors_origins: tuple[str, ...]
    ticket_key: TicketKey
    ticket_max_seconds: int
    failed_credentials: FailedCredentials
    rate_limit: RateLimit | None  # None: there is none
    bukalapak_always_200: bool
    negotiate_formats: bool
    is_stopping: Callable[[], bool]  # the service has been told to end
    tally: Tally  # what the metrics have not been told yet


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


# All of these are async, the trivial ones too: FastAPI would take a thread for each that is not.
PartsOf = Annotated[Parts, Depends(_parts)]


async def require_plain_path(request: Request) -> None:
    """No path of ours needs a percent sign: `%31` for `1` would be a second URL of the same thing."""
    if b"%" in request.scope.get("raw_path", b""):
        raise HTTPException(404)


def is_plain_decimal(value: str) -> bool:
    """ASCII digits without sign, blanks or leading zeros: an id has one spelling, or caches have aliases."""
    return value.isascii() and value.isdecimal() and value[0] != "0" and len(value) <= _ID_DIGITS


def _number(value: object) -> object:
    if isinstance(value, str) and not DECIMAL.fullmatch(value):
        raise ValueError("must be an integer")
    return value


def _id(value: object) -> object:
    if isinstance(value, str) and not is_plain_decimal(value):
        raise ValueError("must be an integer")
    return value


PLAIN = BeforeValidator(_number)  # stands last in an annotation: the bounds are then in the schema
Count = Annotated[int, Field(ge=0, le=MAX_ID), PLAIN]
Id = Annotated[int, Field(ge=1, le=MAX_ID), BeforeValidator(_id)]
ProductId = Annotated[Id, Path(description="The merchant's own product number.", examples=[1234])]
ImageId = Annotated[Id, Path(description="The image's id, as its creation answered it.", examples=[101])]


Find = Callable[[Database, str], Awaitable[Caller | None]]


async def caller_of(request: Request, parts: Parts, find: Find = tokens.find) -> Caller:
    """Decided from the head alone, before any of the body is read. Raises `Unauthenticated`, `RateLimited`.

    `find` tells whose a token is.
    """
    address = request.client.host if request.client else ""
    try:
        caller = await _authenticate(request, parts, address, find)
    except Unauthenticated:
        presented = "authorization" in request.headers or "authentication" in request.headers
        if presented and (wait := parts.failed_credentials.count(address)):
            raise RateLimited("wrong credentials", wait) from None
        raise
    request.scope["store_id"] = caller.store_id  # for the log
    await count_call(request, parts, caller.store_id)
    return caller


async def count_call(request: Request, parts: Parts, store_id: int) -> None:
    """Pour one into the store's bucket, where there are rate limits. Raises `RateLimited`."""
    if parts.rate_limit is None:
        return
    standing = await parts.rate_limit.take(store_id)
    note(
        request.scope,
        X_Rate_Limit_Limit=str(standing.limit),
        X_Rate_Limit_Remaining=str(standing.remaining),
        X_Rate_Limit_Reset=str(standing.reset),
    )
    if not standing.allowed:
        raise RateLimited("calls of the store", standing.retry_after)


async def _authenticate(request: Request, parts: Parts, address: str, find: Find) -> Caller:
    credentials = _credentials(request)
    if not credentials:
        store_id = parts.anonymous_store
        if store_id is None or not await registry.exists(parts.database, store_id):
            raise Unauthenticated
        return Caller(store_id, Scope.WRITE)
    secrets = {token for _, token in credentials}
    store_ids = {store_id for store_id, _ in credentials} - {None}
    if len(secrets) > 1 or len(store_ids) > 1:
        raise Unauthenticated("credentials that disagree")
    async with parts.failed_credentials.lookup(address):
        caller = await find(parts.database, secrets.pop())
    if caller is None or store_ids - {str(caller.store_id)}:
        raise Unauthenticated
    return caller


def _credentials(request: Request) -> list[tuple[str | None, str]]:
    """Every (store id, token) that the head carries: HTTP Basic, Bearer, or Tiendanube's `Authentication`."""
    values = [("authorization", value) for value in request.headers.getlist("authorization")]
    values += [("authentication", value) for value in request.headers.getlist("authentication")]
    found: list[tuple[str | None, str]] = []
    for header, value in values:
        scheme, _, rest = value.partition(" ")
        token = rest.strip()
        if scheme.lower() == "bearer" and token:
            found.append((None, token))
        elif scheme.lower() == "basic" and header == "authorization":
            found.append(_basic(token))
        else:
            raise Unauthenticated("a scheme that is not taken here")
    return found


def _basic(encoded: str) -> tuple[str, str]:
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unauthenticated("not Basic") from error
    if not colon or not password:
        raise Unauthenticated("not Basic")
    return user, password


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
    """Under a prefix that names a store, another's id is one that does not exist."""
    if store_id != caller.store_id:
        raise ImageNotFound
