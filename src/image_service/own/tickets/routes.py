"""Uploads straight from a browser or a phone, which must never hold a token. A store's back-end requests a ticket with
its token, and the front-end posts files to the ticket's URL.
"""

from dataclasses import replace
from uuid import UUID

import structlog
from fastapi import Request
from starlette.responses import JSONResponse, Response

from image_service.errors import InvalidField, PictureRefused, Refusal, UnsupportedBody
from image_service.images import upload_tickets
from image_service.images.idempotency import Once
from image_service.images.products.duplicates import OnDuplicate, Reused
from image_service.images.queries import Image
from image_service.images.upload_tickets import Ticket
from image_service.ingest.shares import Owner
from image_service.own.tickets import described
from image_service.own.tickets.holder import TicketHolder, TicketId, preflight, url_of
from image_service.own.tickets.schemas import parse_ticket, shown
from image_service.web import offered
from image_service.web.access.callers import Reader, Writer
from image_service.web.bodies import uploads
from image_service.web.bodies.uploads import Submission
from image_service.web.idempotency import idempotent, key_of
from image_service.web.images.answers import Fields, answer, view_of
from image_service.web.images.duplicates import OnDuplicateAsked, added, status_of
from image_service.web.images.input import ImageInput, parse_new
from image_service.web.images.view import BASIC_FIELDS
from image_service.web.offered import Offer
from image_service.web.openapi.routes import Router
from image_service.web.parts import PartsOf

log = structlog.get_logger()

NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}  # the response contains the URL
PRIVATE = ("alt", "filename", "source_url")  # of an image that the holder did not add
THE_TICKETS = ("src", "attachment", "image_id", "position", "product_id")  # the holder may not set these

router = Router(tags=["Uploads"])


@router.post("/uploads", **described.CREATE_UPLOAD_TICKET)
async def create_upload_ticket(request: Request, caller: Writer, parts: PartsOf) -> Response:
    """For a front-end that must not hold a token: make a ticket for a number of files, and give its `url` to the
    browser or phone, which posts each file there as a form. The URL allows nothing else. The ticket ends when it
    expires, when the token that made it is revoked, or when you withdraw it.
    """
    key = key_of(request)
    body = await uploads.read_fields(request)
    allowed, lifetime = parse_ticket(
        body,
        max_files=parts.max_images_per_product,
        max_image_bytes=parts.max_image_bytes,
        max_seconds=parts.ticket_max_seconds,
    )
    signing = await parts.ticket_key.get()

    def show(ticket: Ticket) -> Response:
        content = {**shown(ticket), "url": url_of(signing, parts.api_base, ticket)}
        return JSONResponse(content, 201, {**NO_STORE, "Location": f"{parts.api_base}/uploads/{ticket.id.hex}"})

    async with idempotent(request, parts, caller.store_id, key, body.fields, body, show) as run:
        if run.answered is not None:
            return run.answered
        ticket = await upload_tickets.make(
            parts.database, caller.store_id, caller.token_id, allowed, lifetime, once=run.once
        )
    log.info("upload ticket made", ticket=ticket.id.hex, product=allowed.product_id, files=allowed.files)
    return show(ticket)


@router.get("/uploads/{id}", **described.GET_UPLOAD_TICKET)
async def get_upload_ticket(id: TicketId, caller: Reader, parts: PartsOf) -> Response:
    """The number of files and bytes that are left, and whether the ticket is valid. The URL is not shown again."""
    ticket = await upload_tickets.of_store(parts.database, caller.store_id, UUID(id))
    return JSONResponse(shown(ticket))


@router.delete("/uploads/{id}", **described.WITHDRAW_UPLOAD_TICKET)
async def withdraw_upload_ticket(id: TicketId, caller: Writer, parts: PartsOf) -> Response:
    """From now on the ticket adds no image, not even of an upload under way. Images that it added stay."""
    await upload_tickets.withdraw(parts.database, caller.store_id, UUID(id))
    return JSONResponse({})


@router.post("/uploads/{id}", **described.UPLOAD_BY_TICKET)
async def upload_by_ticket(
    request: Request,
    holder: TicketHolder,
    parts: PartsOf,
    on_duplicate: OnDuplicateAsked = OnDuplicate.ADD,
    fields: Fields = None,
) -> Response:
    """Post to the ticket's URL without a token: one `file` in each request, with an `alt` if you like. You may send
    several at once. A refused file does not count. The answer is the same as for adding an image to a product.
    """

    def show(image: Image) -> Response:
        where = f"/products/{image.product_id}" if image.product_id is not None else ""
        location = f"{parts.api_base}{where}/images/{image.id}"
        view = view_of(parts, fields, BASIC_FIELDS)
        if isinstance(image, Reused):
            view = replace(view, fields=tuple(name for name in view.fields if name not in PRIVATE) or BASIC_FIELDS)
        return answer(request, view, image.version, view.of(image), status_of(image), {"Location": location})

    ticket = holder.ticket
    if not uploads.is_form(request):
        raise UnsupportedBody

    async def make(asked: ImageInput, offer: Offer, once: Once[Image] | None) -> Image:
        return await added(
            parts,
            ticket.store_id,
            await offer.upload(),
            on_duplicate,
            product_id=ticket.allowed.product_id,
            alt=asked.alt,
            once=once,
            ticket=ticket.id,
        )

    try:
        return await offered.created(
            request,
            parts,
            ticket.store_id,
            _parse,
            make,
            show,
            key=holder.key,
            max_image_bytes=holder.max_bytes,
            owner=Owner(ticket.store_id, ticket.id, ticket.allowed.files),
        )
    except PictureRefused as refused:
        if refused.refusal is Refusal.TOO_HEAVY and refused.limit < ticket.allowed.bytes_per_file:
            refused.answer = f"is too large: the upload ticket has {refused.limit} bytes left"
        raise


def _parse(body: Submission) -> ImageInput:
    """Raises `InvalidField` for fields that the ticket sets."""
    asked = parse_new(body)
    for name in THE_TICKETS:
        if name in asked.said:
            raise InvalidField(name, "can't be given with an upload ticket")
    return asked


router.options("/uploads/{id}", include_in_schema=False)(preflight)
