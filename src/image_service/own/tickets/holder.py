"""Who may use an upload ticket's URL: any client that has it, from an allowed origin. The request's head decides.

Any origin may read the refusal of a URL: it reveals nothing, and a script that cannot read it would assume a broken
connection and retry.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Depends, Path, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from image_service.edge.origin import as_sent
from image_service.errors import OriginRefused, RateLimited, TicketEnd, TicketForged, TicketOver
from image_service.images import ticket_signature, upload_tickets
from image_service.images.upload_tickets import Ticket
from image_service.web.access.callers import count_call
from image_service.web.idempotency import key_of
from image_service.web.middleware.cors import PREFLIGHT_SECONDS, allowed_headers, exposed
from image_service.web.middleware.response_headers import note
from image_service.web.parts import Parts, PartsOf

SENT = ("Content-Type", "Idempotency-Key", "X-Request-Id")

TicketId = Annotated[
    str,
    Path(
        description="The upload ticket's id.",
        pattern="^[0-9a-f]{32}$",
        examples=["8f2b6c0e4d1a4f6f9d3c5b7a9e1f2d3c"],
    ),
]
# An absent value is wrong, not a missing field: so it has a default, and FastAPI must not describe it.
OfTheUrl = Annotated[str, Query(include_in_schema=False)]


def url_of(key: bytes, api_base: str, ticket: Ticket) -> str:
    """The ticket's URL, signed with this installation's `key`."""
    expires = str(int(ticket.expires_at.timestamp()))
    signed = ticket_signature.signature(key, ticket.id, expires)
    return f"{api_base}/uploads/{ticket.id.hex}?expires={expires}&signature={signed}"


@dataclass(frozen=True)
class Holder:
    """A client that may post a file now."""

    ticket: Ticket
    key: str | None  # its `Idempotency-Key`, after the ticket's id and a line break, which no store's key contains
    max_bytes: int  # of the file; a repeat counts no bytes: it gets the first request's response


async def _ticket(request: Request, parts: Parts, id: UUID, expires: str, given: str) -> Ticket:
    """Raises `TicketForged`, `TicketOver` (the row is gone), `OriginRefused`."""
    note(request.scope, {"Vary": "Origin", "Referrer-Policy": "no-referrer"})
    if not ticket_signature.is_signed(await parts.ticket_key.get(), id, expires, given):
        _let_read(request, "*")
        raise TicketForged
    ticket = await upload_tickets.find(parts.database, id)
    if ticket is None:
        _let_read(request, "*")
        raise TicketOver(TicketEnd.EXPIRED if int(expires) <= time.time() else TicketEnd.WITHDRAWN)
    origin = request.headers.get("origin")
    if origin is not None:
        if origin not in {*ticket.allowed.origins, *parts.cors_origins, _own_origin(parts)}:
            raise OriginRefused
        _let_read(request, origin)
    return ticket


def _let_read(request: Request, origin: str) -> None:
    note(
        request.scope, {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": exposed(request.scope)}
    )


def _own_origin(parts: Parts) -> str:
    """The API's origin: a shop may have the service under a path of its own host."""
    url = urlsplit(parts.api_base)
    return as_sent(f"{url.scheme}://{url.netloc}".lower())


async def _holder(
    request: Request,
    parts: PartsOf,
    id: TicketId,
    expires: OfTheUrl = "",
    signature: OfTheUrl = "",
) -> Holder:
    """Raises what `_ticket` raises, `RateLimited` (an address's wrong URLs, a store's calls), `TicketOver`."""
    try:
        ticket = await _ticket(request, parts, UUID(id), expires, signature)
    except TicketForged:
        address = request.client.host if request.client else ""
        if wait := parts.failed_credentials.count(address):
            raise RateLimited("wrong upload URLs", wait) from None
        raise
    request.scope["store_id"] = ticket.store_id  # for the log
    await count_call(request, parts, ticket.store_id)
    key = key_of(request)
    own = None if key is None else f"{ticket.id.hex}\n{key}"
    is_repeat = own is not None and await parts.idempotency_keys.has_answered(ticket.store_id, own)
    if ticket.end is not None and not is_repeat:
        raise TicketOver(ticket.end)
    await upload_tickets.count_try(parts.database, ticket.id)
    per_file = ticket.allowed.bytes_per_file
    return Holder(ticket, own, per_file if is_repeat else min(per_file, ticket.bytes_left))


TicketHolder = Annotated[Holder, Depends(_holder)]


async def preflight(request: Request, parts: PartsOf, id: TicketId, expires: str = "", signature: str = "") -> Response:
    """Answers a browser's preflight. If the ticket is over, the browser may post, so that it gets the error."""
    if "access-control-request-method" not in request.headers or "origin" not in request.headers:
        raise HTTPException(405)
    with suppress(TicketForged, TicketOver):
        await _ticket(request, parts, UUID(id), expires, signature)
    answer = {
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": allowed_headers(
            request.headers.get("access-control-request-headers", ""), SENT
        ),
        "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
    }
    return Response(status_code=204, headers=answer)
