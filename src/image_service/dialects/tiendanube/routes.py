"""Tiendanube's product-image API: its document's routes, and others that its clients need."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Query, Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from image_service.dialects.tiendanube import described
from image_service.dialects.tiendanube.answers import base_of, told, view_of
from image_service.dialects.tiendanube.lists import listed, unfiltered
from image_service.errors import ImageNotFound, InvalidField
from image_service.galleries.own_urls import keys_in
from image_service.images import queries
from image_service.images.idempotency import Once
from image_service.images.library import UNCHANGED
from image_service.images.products.duplicates import OnDuplicate
from image_service.images.queries import Image
from image_service.ingest.fetch_url import comparable
from image_service.ingest.shares import Owner
from image_service.jobs.creates import CreateAsked
from image_service.jobs.store_jobs import NewJob
from image_service.web import etags, offered
from image_service.web.access.callers import Reader, Writer
from image_service.web.direct import answered_by
from image_service.web.images.answers import Fields, answer
from image_service.web.images.duplicates import OnDuplicateAsked, added, assigned, status_of
from image_service.web.images.input import ImageInput, parse_input, parse_new
from image_service.web.numbers import MAX_ID, PLAIN, Count, ImageId, ProductId
from image_service.web.offered import Offer
from image_service.web.openapi.routes import Router
from image_service.web.pagination import PageAsked
from image_service.web.parts import PartsOf

Place = Annotated[int, Field(ge=1, le=MAX_ID), PLAIN]

lists = Router(route_class=answered_by(unfiltered))
routes = Router()


@lists.get("/products/{product_id}/images", **described.LIST_IMAGES)
async def list_images(
    request: Request,
    product_id: ProductId,
    caller: Reader,
    parts: PartsOf,
    paging: PageAsked,
    since_id: Annotated[
        Count | None, Query(description="Restrict results to after the specified ID.", examples=[105])
    ] = None,
    src: Annotated[
        str | None,
        Query(
            description="Show Product Images with a given URL: any size or format, or the URL that it was fetched from."
        ),
    ] = None,
    position: Annotated[Place | None, Query(description="Show Product Images at a given position.")] = None,
    fields: Fields = None,
) -> Response:
    """Receive a list of all Product Images for a given product. A product without images is an empty list."""

    def chosen(images: Sequence[Image]) -> Sequence[Image]:
        if since_id is not None:
            images = sorted((image for image in images if image.id > since_id), key=lambda image: image.id)
        if position is not None:
            images = [image for image in images if image.position == position]
        if src is not None:
            url, keys = comparable(src), {image.key for image in images}
            key = next((each for each in keys_in(src) if each in keys), None)
            images = [
                image
                for image in images
                if image.key == key or (image.source_url is not None and comparable(image.source_url) == url)
            ]
        return images

    return await listed(request, parts, caller, product_id, paging, fields, chosen)


lists.get("/product/{product_id}/images", include_in_schema=False)(list_images)  # the document prints this path once


@routes.post("/products/{product_id}/images", **described.CREATE_IMAGE)
async def create_image(
    request: Request,
    product_id: ProductId,
    caller: Writer,
    parts: PartsOf,
    on_duplicate: OnDuplicateAsked = OnDuplicate.ADD,
    fields: Fields = None,
) -> Response:
    """Create a new Product Image from one of: `src`, a URL to fetch; `attachment`, base64; `file`, in a form;
    `image_id`, an unassigned image. The `src` of another image of yours copies it. With `Prefer: respond-async` and any
    other `src` the answer is 202: it names a job that fetches the picture.
    """
    expected = etags.expected_versions(request)

    async def make(asked: ImageInput, offer: Offer, once: Once[Image] | None) -> Image:
        _require_same(product_id=(asked.product_id, product_id))
        if asked.image_id is not None:
            return await assigned(
                parts,
                caller.store_id,
                asked.image_id,
                product_id,
                on_duplicate,
                position=asked.position,
                alt=asked.alt if asked.gives_alt else UNCHANGED,
                expected=expected,
                once=once,
            )
        return await added(
            parts,
            caller.store_id,
            await offer.upload(),
            on_duplicate,
            product_id=product_id,
            position=asked.position,
            alt=asked.alt,
            expected=expected,
            once=once,
        )

    def later(asked: ImageInput, offer: Offer) -> NewJob:
        _require_same(product_id=(asked.product_id, product_id))
        create = CreateAsked(
            product_id, offer.url, asked.filename, asked.position, asked.alt, offer.reading.formats, expected
        )
        return create.job(caller.store_id, parts.ingest.host_of(offer.url))

    def show(image: Image) -> Response:
        location = f"{base_of(request, parts)}/products/{product_id}/images/{image.id}"
        view = view_of(request, parts, caller, fields)
        return answer(request, view, image.version, view.of(image), status_of(image), {"Location": location})

    # With `reuse` and `refuse` the client waits for the answer: a server may ignore a preference (RFC 7240, 2).
    may_wait = on_duplicate is OnDuplicate.ADD
    return await offered.created(
        request, parts, caller.store_id, parse_new, make, show, later=later if may_wait else None
    )


# The document prints the list's path in this form once.
routes.post("/product/{product_id}/images", include_in_schema=False)(create_image)


def _require_same(**pairs: tuple[int | None, int]) -> None:
    """Raises `InvalidField` if an id in the body differs from the path's."""
    for name, (repeated, own) in pairs.items():
        if repeated is not None and repeated != own:
            raise InvalidField(name, "can't be changed")


@routes.get("/products/{product_id}/images/{id}", **described.GET_IMAGE)
async def get_image(
    request: Request,
    product_id: ProductId,
    id: ImageId,
    caller: Reader,
    parts: PartsOf,
    fields: Fields = None,
) -> Response:
    """Receive a single Product Image."""
    image = await queries.image(parts.database, caller.store_id, id)
    if image.product_id != product_id:
        raise ImageNotFound
    view = view_of(request, parts, caller, fields)
    return answer(request, view, image.version, view.of(image))


@routes.put("/products/{product_id}/images/{id}", **described.UPDATE_IMAGE)
async def update_image(
    request: Request,
    product_id: ProductId,
    id: ImageId,
    caller: Writer,
    parts: PartsOf,
    fields: Fields = None,
) -> Response:
    """Modify an existing Product Image: `position` moves it, and the others close up; `alt` describes it; `src`,
    `attachment` or `file` replaces its bytes and gives it a new URL. Its own `src` means "no change".
    """
    expected = etags.expected_versions(request)
    async with offered.reading(request, parts, Owner(caller.store_id)) as read:
        asked = parse_input(read.body)
        if asked.image_id is not None:
            raise InvalidField("image_id", "can't be given in an update")
        _require_same(id=(asked.id, id), product_id=(asked.product_id, product_id))
        before = await queries.image(parts.database, caller.store_id, id)
        if before.product_id != product_id:
            raise ImageNotFound
        offer = await read.offer(caller.store_id, asked, own=before)
        image = await parts.library.change(
            caller.store_id,
            product_id,
            id,
            position=asked.position,
            alt=told(asked.alt, view_of(request, parts, caller, "alt").of(before)["alt"])
            if asked.gives_alt
            else UNCHANGED,
            upload=await offer.upload() if offer.way else None,
            expected=expected,
        )
    view = view_of(request, parts, caller, fields)
    return answer(request, view, image.version, view.of(image))


@routes.delete("/products/{product_id}/images/{id}", **described.DELETE_IMAGE)
async def delete_image(
    request: Request,
    product_id: ProductId,
    id: ImageId,
    caller: Writer,
    parts: PartsOf,
) -> Response:
    """Remove a Product Image; the images after it close up."""
    await parts.library.remove(caller.store_id, id, product_id=product_id, expected=etags.expected_versions(request))
    return JSONResponse({})
