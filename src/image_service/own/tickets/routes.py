"""Uploads straight from a browser or a phone, which must never hold a token: a store's back-end asks for a ticket with
its token, the front-end posts files to the ticket's URL.
"""

from typing import Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from image_service.dialects.tiendanube import examples as tiendanube_examples
from image_service.dialects.tiendanube import problems as tiendanube_problems
from image_service.dialects.tiendanube.answers import LOCATION, PRIVATE, Fields, answer, view_of
from image_service.dialects.tiendanube.schemas import ImageBody, ImageInput, Nothing, PickedImage, parse_input
from image_service.dialects.tiendanube.sources import Given, upload_from
from image_service.dialects.tiendanube.texts import MAX_ALT
from image_service.errors import InvalidField, UnsupportedBody
from image_service.images import upload_tickets
from image_service.images.queries import Image
from image_service.images.upload_tickets import Ticket
from image_service.own.tickets.holder import TicketHolder, TicketId, preflight, url_of
from image_service.own.tickets.problems import NOT_FOUND, REFUSED, TOO_LONG_BODY, UNSUPPORTED_BODY, render
from image_service.own.tickets.schemas import NewTicketBody, TicketBody, TicketInput, parse_ticket, shown
from image_service.web.bodies import uploads
from image_service.web.bodies.multipart import MAX_PARTS
from image_service.web.dependencies import PartsOf, Reader, Writer
from image_service.web.openapi.components import ETAG, shared
from image_service.web.problems import Dialect
from image_service.web.repeats import IdempotencyKey, turn

log = structlog.get_logger()

NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}  # the answer holds the URL
THE_TICKETS = ("src", "attachment", "image_id", "position", "product_id", "id")  # not for its holder to say

router = APIRouter(tags=["Uploads"])

_TICKET = {
    "id": "8f2b6c0e4d1a4f6f9d3c5b7a9e1f2d3c",
    "status": "open",
    "product_id": 1234,
    "position": None,
    "files": 5,
    "files_left": 5,
    "bytes": 52428795,
    "bytes_left": 52428795,
    "bytes_per_file": 10485759,
    "origins": ["https://shop.example.com"],
    "created_at": "2026-01-01T00:00:00+00:00",
    "expires_at": "2026-01-01T00:15:00+00:00",
}
_URL = (
    "https://images.example.com/uploads/8f2b6c0e4d1a4f6f9d3c5b7a9e1f2d3c"
    "?expires=1767226500&signature=Jk0p3sW6mQz1nB8vX4cT7yH2gF5dR9aLoU_iEeKwZ-M"
)
_OWN_LOCATION = {
    "Location": shared(
        "UploadTicketLocation",
        {"description": "Where its store looks at the ticket.", "schema": {"type": "string", "format": "uri"}},
    )
}
_ASK: dict[str, Any] = {
    "requestBody": {
        "required": False,  # every field has a default
        "content": {
            "application/json": {
                "schema": shared("TicketInput", TicketInput.model_json_schema()),
                "examples": {
                    "product": {
                        "summary": "Five photos of a product",
                        "value": {"product_id": 1234, "files": 5, "origins": ["https://shop.example.com"]},
                    },
                    "orphan": {"summary": "One picture on no product, soon", "value": {"expires_in": 120}},
                },
            }
        },
    }
}


def _form() -> dict[str, Any]:
    alt = ImageInput.model_json_schema()["properties"]["alt"]
    filename = ImageInput.model_json_schema()["properties"]["filename"]
    return {
        "type": "object",
        "description": "One picture, and what may be said of it.",
        "maxProperties": MAX_PARTS,
        "required": ["file"],
        "properties": {
            "file": {"description": "The picture.", "type": "string", "format": "binary"},
            "alt": {"description": alt["description"], "type": "string", "maxLength": MAX_ALT},
            "filename": {"description": filename["description"], "type": "string", "maxLength": 1024},
        },
    }


_SEND: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": {"schema": shared("TicketForm", _form())}},
    },
    "security": [{"ticket": []}],  # the signature
    "parameters": [
        {
            "name": "expires",
            "in": "query",
            "required": True,
            "description": "As it is in the ticket's URL: Unix time, in seconds.",
            "schema": {"type": "string", "pattern": "^[0-9]{1,20}$", "examples": ["1767226500"]},
        }
    ],
}


@router.post(
    "/uploads",
    summary="Make an upload ticket",
    status_code=201,
    responses={
        201: {
            "model": NewTicketBody,
            "description": "The ticket, and the URL to post files to.",
            "headers": _OWN_LOCATION,
            "content": tiendanube_examples.one({**_TICKET, "url": _URL}),
        },
        **tiendanube_problems.errors(400, 403, 408, 409, 422),
        **TOO_LONG_BODY,
        **UNSUPPORTED_BODY,
    },
    openapi_extra=_ASK,
)
async def create_upload_ticket(request: Request, caller: Writer, parts: PartsOf, key: IdempotencyKey) -> Response:
    """For a front-end that must not hold a token: make a ticket for as many files as you want to take, and give its
    `url` to the browser or phone, which posts each file there as a form, and can do nothing else with it. It ends by
    itself, with the token that made it, or when you withdraw it.
    """
    body = await uploads.read_fields(request)
    allowed, lifetime = parse_ticket(body, max_image_bytes=parts.max_image_bytes, max_seconds=parts.ticket_max_seconds)
    signing = await parts.ticket_key.get()

    def show(ticket: Ticket) -> Response:
        content = {**shown(ticket), "url": url_of(signing, parts.api_base, ticket)}
        return JSONResponse(content, 201, {**NO_STORE, "Location": f"{parts.api_base}/uploads/{ticket.id.hex}"})

    async with turn(request, parts, caller.store_id, key, body.fields, body, show) as mine:
        if mine.answered is not None:
            return mine.answered
        ticket = await upload_tickets.make(
            parts.database, caller.store_id, caller.token_id, allowed, lifetime, once=mine.once
        )
    log.info("upload ticket made", ticket=ticket.id.hex, product=allowed.product_id, files=allowed.files)
    return show(ticket)


@router.get(
    "/uploads/{id}",
    summary="Look at an upload ticket",
    responses={
        200: {
            "model": TicketBody,
            "description": "What is left of it.",
            "content": tiendanube_examples.one({**_TICKET, "files_left": 3, "bytes_left": 48120334}),
        },
        **tiendanube_problems.errors(),
        **NOT_FOUND,
    },
)
async def get_upload_ticket(id: TicketId, caller: Reader, parts: PartsOf) -> Response:
    """How many files and bytes are left, and whether it is still good. Its URL is not shown again."""
    ticket = await upload_tickets.of_store(parts.database, caller.store_id, UUID(id))
    return JSONResponse(shown(ticket), headers=PRIVATE)


@router.delete(
    "/uploads/{id}",
    summary="Withdraw an upload ticket",
    responses={
        200: {"model": Nothing, "description": "It is worth nothing.", "content": tiendanube_examples.one({})},
        **tiendanube_problems.errors(403),
        **NOT_FOUND,
    },
)
async def withdraw_upload_ticket(id: TicketId, caller: Writer, parts: PartsOf) -> Response:
    """From now on no image is made by it, not even of an upload that is under way. Those that were made stay."""
    await upload_tickets.withdraw(parts.database, caller.store_id, UUID(id))
    return JSONResponse({}, headers=PRIVATE)


@router.post(
    "/uploads/{id}",
    summary="Upload a file by a ticket",
    status_code=201,
    responses={
        201: {
            "model": ImageBody | PickedImage,
            "description": "The image, stored so that no fault loses it.",
            "headers": {**ETAG, **LOCATION},
            "content": tiendanube_examples.one(tiendanube_examples.CHARMANDER),
        },
        **{status: tiendanube_problems.ERRORS[status] for status in (400, 408, 409, 413, 422, 429, 500, 503, 507)},
        **NOT_FOUND,
        **REFUSED,
        **UNSUPPORTED_BODY,
    },
    openapi_extra=_SEND,
)
async def upload_by_ticket(request: Request, holder: TicketHolder, parts: PartsOf, fields: Fields = None) -> Response:
    """Without a token, to the URL that the ticket came with: one `file` a request, with its `alt` if you like. Send as
    many at once as you want. A refused file has not used up anything. Each file's answer is the one that adding an
    image to a product has.
    """

    def show(image: Image) -> Response:
        where = f"/products/{image.product_id}" if image.product_id is not None else ""
        location = f"{parts.api_base}{where}/images/{image.id}"
        view = view_of(request, parts, fields)
        return answer(request, view, image.version, view.of(image), 201, {"Location": location})

    ticket = holder.ticket
    if not uploads.is_form(request):
        raise UnsupportedBody
    async with parts.ingest.intake() as intake:
        body = await uploads.read_upload(request, intake, max_image_bytes=holder.max_bytes)
        asked = parse_input(body)
        said = asked.model_dump(exclude_unset=True)
        for name in THE_TICKETS:
            if name in said:
                raise InvalidField(name, "can't be given with an upload ticket")
        async with turn(request, parts, ticket.store_id, holder.key, said, body, show) as mine:
            if mine.answered is not None:
                return mine.answered
            given = Given(asked, body, None)
            if not given.names:
                raise InvalidField("file", "can't be blank")
            image = await parts.library.add(
                ticket.store_id,
                await upload_from(parts, intake, given, "file"),
                product_id=ticket.allowed.product_id,
                alt=asked.alt,
                once=mine.once,
                ticket=ticket.id,
            )
    return show(image)


router.options("/uploads/{id}", include_in_schema=False)(preflight)

DIALECT = Dialect("uploads", "/uploads", router, render)
