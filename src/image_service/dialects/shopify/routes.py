"""Shopify's product images: create, list, count, get, update, delete."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from image_service.dialects.shopify import described
from image_service.dialects.shopify.answers import alt_of, view_of
from image_service.dialects.shopify.pages import Chosen, PageAsked
from image_service.dialects.shopify.schemas import ImageFields, parse_image
from image_service.errors import ImageNotFound
from image_service.images import queries
from image_service.images.idempotency import Once
from image_service.images.library import UNCHANGED
from image_service.images.products.duplicates import OnDuplicate
from image_service.images.queries import Image
from image_service.images.upload import Upload
from image_service.ingest.shares import Owner
from image_service.stores.tokens import Caller
from image_service.web import etags, offered
from image_service.web.access.callers import Reader, Writer
from image_service.web.images.answers import answer
from image_service.web.images.duplicates import OnDuplicateAsked, added
from image_service.web.numbers import Count, ImageId, ProductId
from image_service.web.offered import Offer
from image_service.web.openapi.routes import Route
from image_service.web.parts import Parts, PartsOf

Since = Annotated[Count | None, Query(description="Only images with a greater id, ordered by id.", examples=[105])]
Fields = Annotated[str | None, Query(description="Properties to show, separated by commas.")]

routes = APIRouter(route_class=Route)  # `dialect` names its operations


def _one(request: Request, parts: Parts, caller: Caller, image: Image, fields: str | None = None) -> Response:
    view = view_of(parts, caller, fields)
    return answer(request, view, image.version, {"image": view.of(image)})


@routes.post("/products/{product_id}/images.json", **described.CREATE_IMAGE)
async def create_image(
    request: Request,
    product_id: ProductId,
    caller: Writer,
    parts: PartsOf,
    on_duplicate: OnDuplicateAsked = OnDuplicate.ADD,
) -> Response:
    """Add an image to a product, from a `src` to fetch or an `attachment` in base64. The `src` of another image of
    yours copies it. The product's other images lose its `variant_ids`.
    """
    expected = etags.expected_versions(request)

    async def make(asked: ImageFields, offer: Offer, once: Once[Image] | None) -> Image:
        return await added(
            parts,
            caller.store_id,
            await offer.upload(),
            on_duplicate,
            product_id=product_id,
            position=asked.position,
            alt=asked.alt,
            variant_ids=asked.variants or (),
            expected=expected,
            once=once,
        )

    def show(image: Image) -> Response:
        return _one(request, parts, caller, image)

    return await offered.created(request, parts, caller.store_id, parse_image, make, show)


@routes.get("/products/{product_id}/images.json", **described.LIST_IMAGES)
async def list_images(
    request: Request,
    product_id: ProductId,
    caller: Reader,
    parts: PartsOf,
    paging: PageAsked,
    since_id: Since = None,
) -> Response:
    """All images of a product by position, or by id if `since_id` is given; with `limit`, a page of them. A product
    without images is an empty list.
    """
    gallery = await queries.gallery(parts.database, caller.store_id, product_id)
    cursor = paging.cursor
    chosen = cursor.of if cursor else Chosen("position" if since_id is None else "id", since_id or 0)
    by = chosen.by
    whole = sorted((image for image in gallery.images if image.id > chosen.since), key=lambda image: _number(image, by))
    if cursor is not None and cursor.way == "before":
        images = [image for image in whole if _number(image, by) < cursor.number]
        images = images[-paging.limit :] if paging.limit else images
    else:
        after = cursor.number if cursor else 0
        images = [image for image in whole if _number(image, by) > after][: paging.limit]
    links: dict[str, str] = {}
    if images:
        first, last = (_number(image, by) for image in (images[0], images[-1]))
        links = paging.links(
            request,
            parts.api_base,
            chosen,
            (first, last),
            has_previous=cursor is not None and _number(whole[0], by) < first,
            has_next=last < _number(whole[-1], by),
        )
    view = view_of(parts, caller, paging.fields)
    body = {"images": [view.of(image) for image in images]}
    return answer(request, view, gallery.revision, body, headers=links)


def _number(image: Image, by: str) -> int:
    """The image's id or position, as `by` says."""
    return image.id if by == "id" else image.position or 0


@routes.get("/products/{product_id}/images/count.json", **described.COUNT_IMAGES)
async def count_images(
    request: Request, product_id: ProductId, caller: Reader, parts: PartsOf, since_id: Since = None
) -> Response:
    """How many images a product has, or how many of them have an id after `since_id`."""
    gallery = await queries.gallery(parts.database, caller.store_id, product_id)
    count = sum(image.id > (since_id or 0) for image in gallery.images)
    return answer(request, view_of(parts, caller), gallery.revision, {"count": count})


@routes.get("/products/{product_id}/images/{id}.json", **described.GET_IMAGE)
async def get_image(
    request: Request, product_id: ProductId, id: ImageId, caller: Reader, parts: PartsOf, fields: Fields = None
) -> Response:
    """A single image of a product, whole or with the properties that `fields` names."""
    return _one(request, parts, caller, await _of_product(parts, caller.store_id, product_id, id), fields)


@routes.put("/products/{product_id}/images/{id}.json", **described.UPDATE_IMAGE)
async def update_image(
    request: Request, product_id: ProductId, id: ImageId, caller: Writer, parts: PartsOf
) -> Response:
    """Move, describe or replace an image, or give it variants, which the product's other images lose. A client may send
    all properties back as it read them: only differences count, and read-only properties are ignored.
    """
    expected = etags.expected_versions(request)
    async with offered.reading(request, parts, Owner(caller.store_id)) as read:
        asked = parse_image(read.body)
        before = await _of_product(parts, caller.store_id, product_id, id)
        offer = await read.offer(caller.store_id, asked, own=before)
        image = await parts.library.change(
            caller.store_id,
            product_id,
            id,
            upload=await _other_picture(offer, before),
            expected=expected,
            **_told(asked, before, caller.language),
        )
    return _one(request, parts, caller, image)


async def _of_product(parts: Parts, store_id: int, product_id: int, image_id: int) -> Image:
    image = await queries.image(parts.database, store_id, image_id)
    if image.product_id != product_id:
        raise ImageNotFound
    return image


def _told(asked: ImageFields, before: Image, language: str) -> dict[str, Any]:
    """The changes other than the picture. An unchanged `alt` must not replace the texts in other languages."""
    is_new = asked.gives_alt and asked.alt != alt_of(before, language)
    variants = asked.variants
    return {
        "position": asked.position,
        "alt": asked.alt if is_new else UNCHANGED,
        "variant_ids": UNCHANGED if variants is None else variants,
    }


async def _other_picture(offer: Offer, before: Image) -> Upload | None:
    """None: no picture, or the same bytes, which keep their URL. Clients that created an image from an attachment send
    it again with each update.
    """
    upload = await offer.upload() if offer.way else None
    return None if upload is None or upload.picture.sha256 == before.sha256 else upload


@routes.delete("/products/{product_id}/images/{id}.json", **described.DELETE_IMAGE)
async def delete_image(
    request: Request, product_id: ProductId, id: ImageId, caller: Writer, parts: PartsOf
) -> Response:
    """Remove an image from a product; the images after it close up."""
    await parts.library.remove(caller.store_id, id, product_id=product_id, expected=etags.expected_versions(request))
    return JSONResponse({})
