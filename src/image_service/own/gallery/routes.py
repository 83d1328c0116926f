"""A product's gallery as one list, read and replaced as a whole."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query, Request
from starlette.responses import Response

from image_service.database.direct import Transaction
from image_service.errors import ReadOnlyToken
from image_service.galleries.sync import Synced
from image_service.images import idempotency, queries
from image_service.images.idempotency import Once
from image_service.jobs.store_jobs import NewJob
from image_service.jobs.syncs import SyncAsked
from image_service.own.gallery import described
from image_service.own.gallery.schemas import BOUNDS, parse_gallery
from image_service.stores.tokens import Scope
from image_service.web import etags
from image_service.web.access.callers import Reader
from image_service.web.bodies import uploads
from image_service.web.idempotency import idempotent, key_of
from image_service.web.images.answers import Fields, answer, view_of
from image_service.web.images.view import BASIC_FIELDS, View
from image_service.web.jobs import asynchronous
from image_service.web.numbers import ProductId
from image_service.web.openapi.routes import Router
from image_service.web.parts import Parts, PartsOf

DryRun = Annotated[
    bool,
    Query(description="Only plan: write nothing and fetch no picture. A read token is enough."),
]

router = Router(tags=["Gallery"])


@router.get("/products/{product_id}/gallery", **described.GET_GALLERY)
async def get_gallery(
    request: Request, product_id: ProductId, caller: Reader, parts: PartsOf, fields: Fields = None
) -> Response:
    """All images of a product in order, and the revision, which is the first part of the `ETag`. A product without
    images is an empty list.
    """
    gallery = await queries.gallery(parts.database, caller.store_id, product_id)
    view = view_of(parts, fields, BASIC_FIELDS)
    body = {"images": [view.of(each) for each in gallery.images], "revision": gallery.revision}
    return answer(request, view, gallery.revision, body)


@router.put("/products/{product_id}/gallery", **described.PUT_GALLERY)
async def put_gallery(
    request: Request,
    product_id: ProductId,
    caller: Reader,
    parts: PartsOf,
    dry_run: DryRun = False,
    fields: Fields = None,
) -> Response:
    """Send the list of images that the product should have. Existing images stay: they are moved, described or get new
    bytes. New ones are fetched. Images that no entry names are removed. The same list again changes nothing.

    A failed entry loses nothing: the image that it names stays, and the receipt says why. All other changes are made in
    one transaction. With `Prefer: respond-async` the answer is 202, and a job does the work; it retries busy hosts for
    two minutes.
    """
    if not dry_run and caller.scope is not Scope.WRITE:
        raise ReadOnlyToken
    expected, key = etags.expected_versions(request), key_of(request)
    body = await uploads.read_fields(request, BOUNDS)
    wanted = parse_gallery(body.fields)
    show = partial(_shown, request, parts, view_of(parts, fields, BASIC_FIELDS))
    if dry_run:
        return show(await parts.gallery_sync.plan(caller.store_id, product_id, wanted, expected=expected))
    async with idempotent(request, parts, caller.store_id, key, body.fields, body, show) as run:
        if run.answered is not None:
            return run.answered
        made: Synced | NewJob
        if asynchronous.wanted(request):
            made = SyncAsked(product_id, wanted, expected).job(caller.store_id)
            await asynchronous.make(parts, made, run.once)
        else:
            keep = None if run.once is None else partial(_keep, run.once)
            made = await parts.gallery_sync.run(caller.store_id, product_id, wanted, expected=expected, keep=keep)
    return show(made)


def _shown(request: Request, parts: Parts, view: View, made: Synced | NewJob) -> Response:
    if isinstance(made, NewJob):
        return asynchronous.accepted(parts, made)
    content: dict[str, Any] = {
        "images": [view.of(each) for each in made.gallery.images],
        "revision": made.gallery.revision,
        "receipts": [each.shown() for each in made.receipts],
    }
    return answer(request, view, made.gallery.revision, content)


async def _keep(once: Once[Synced | NewJob], transaction: Transaction, synced: Synced) -> None:
    await idempotency.keep(transaction, once, synced)
