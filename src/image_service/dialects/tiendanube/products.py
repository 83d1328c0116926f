"""Around Tiendanube's document, because its clients need it: galleries as products, and images by themselves."""

from functools import partial
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from image_service.dialects.tiendanube import described
from image_service.dialects.tiendanube.answers import view_of
from image_service.dialects.tiendanube.product_list import WHOLE, ProductFields, names_wanted, page_of, shown
from image_service.errors import ProductNotFound
from image_service.images import queries
from image_service.images.blobs import open_original
from image_service.ingest.filenames import download_name
from image_service.web import etags
from image_service.web.access.callers import Reader, Writer
from image_service.web.blob_response import blob_response
from image_service.web.images.answers import Fields, answer
from image_service.web.numbers import Count, ImageId, ProductId
from image_service.web.pagination import PageAsked
from image_service.web.parts import PartsOf

Since = Annotated[Count, Query(description="Restrict results to after the specified ID.")]

routes = APIRouter()


@routes.get("/products", **described.LIST_PRODUCTS)
async def list_products(
    request: Request,
    caller: Reader,
    parts: PartsOf,
    paging: PageAsked,
    since_id: Since = 0,
    fields: ProductFields = None,
) -> Response:
    """Every product with at least one image, by its id: how many it has, the main one, and all in order."""
    page = await queries.products(
        parts.database, caller.store_id, since_id=since_id, offset=paging.offset, limit=paging.per_page
    )
    version = etags.fingerprint(page.total, *((product.id, product.revision) for product in page.items))
    headers = paging.headers(request, parts.api_base, page.total)
    return await page_of(request, parts, caller, page, version, fields, headers)


@routes.get("/products/{product_id}", **described.GET_PRODUCT)
async def get_product(
    request: Request, product_id: ProductId, caller: Reader, parts: PartsOf, fields: ProductFields = None
) -> Response:
    """The whole gallery of a product; 404 where it has no images."""
    gallery = await queries.gallery(parts.database, caller.store_id, product_id)
    if not gallery.images:
        raise ProductNotFound
    view = view_of(request, parts, caller)
    body = shown(names_wanted(fields, WHOLE), product_id, gallery.images, view)
    return answer(request, view, gallery.revision, body)


@routes.delete("/products/{product_id}", **described.EMPTY_PRODUCT)
async def empty_product(request: Request, product_id: ProductId, caller: Writer, parts: PartsOf) -> Response:
    """Empty a product's gallery. One that is empty stays so."""
    await parts.library.empty(caller.store_id, product_id, expected=etags.expected_versions(request))
    return JSONResponse({})


@routes.get("/images", **described.LIST_STORE_IMAGES)
async def list_store_images(
    request: Request,
    caller: Reader,
    parts: PartsOf,
    paging: PageAsked,
    assigned: Annotated[
        bool | None, Query(description="false: those on no product; true: those on one; absent: all.")
    ] = None,
    since_id: Since = 0,
    fields: Fields = None,
) -> Response:
    """All images of the store, or those that are on no product yet (`assigned=false`)."""
    page = await queries.images(
        parts.database,
        caller.store_id,
        assigned=assigned,
        since_id=since_id,
        offset=paging.offset,
        limit=paging.per_page,
    )
    view = view_of(request, parts, caller, fields)
    version = etags.fingerprint(page.total, *((image.id, image.version) for image in page.items))
    headers = paging.headers(request, parts.api_base, page.total)
    return answer(request, view, version, [view.of(image) for image in page.items], headers=headers)


@routes.get("/images/{id}", **described.GET_STORE_IMAGE)
async def get_store_image(
    request: Request,
    id: ImageId,
    caller: Reader,
    parts: PartsOf,
    fields: Fields = None,
) -> Response:
    """An image by its id alone: also one that is on no product."""
    image = await queries.image(parts.database, caller.store_id, id)
    view = view_of(request, parts, caller, fields)
    return answer(request, view, image.version, view.of(image))


@routes.delete("/images/{id}", **described.DELETE_STORE_IMAGE)
async def delete_store_image(
    request: Request,
    id: ImageId,
    caller: Writer,
    parts: PartsOf,
) -> Response:
    """Delete an image by its id alone; where it was on a product, those behind it close up."""
    await parts.library.remove(caller.store_id, id, expected=etags.expected_versions(request))
    return JSONResponse({})


@routes.get("/images/{id}/original", **described.GET_ORIGINAL)
async def get_original(
    request: Request,
    id: ImageId,
    caller: Reader,
    parts: PartsOf,
) -> Response:
    """The original, byte for byte as stored (what trailed the image in the upload was cut off), under its file name
    with an extension that fits the bytes. Never public.
    """
    image = await queries.image(parts.database, caller.store_id, id)
    name = quote(download_name(image.filename, image.format), safe="")
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
    }
    open_blob = partial(open_original, parts.storage, image)
    # Of the bytes themselves: a replacement may be of the same size in the same second.
    etag = f'"{image.sha256}"'
    return await blob_response(request, open_blob, image.format.media_type, headers, etag=etag)
