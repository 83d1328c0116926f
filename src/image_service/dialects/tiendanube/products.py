"""Routes beyond Tiendanube's document that its clients need: galleries as products, and single images."""

from functools import partial
from typing import Annotated
from urllib.parse import quote

from fastapi import Path, Query, Request
from starlette.responses import JSONResponse, Response

from image_service.dialects.tiendanube import described
from image_service.dialects.tiendanube.answers import told, view_of
from image_service.dialects.tiendanube.product_list import WHOLE, ProductFields, names_wanted, page_of, shown
from image_service.dialects.tiendanube.schemas import ProductNameInput
from image_service.errors import ProductNotFound
from image_service.images import queries
from image_service.images.blobs import open_original
from image_service.images.library import UNCHANGED
from image_service.images.products import listing, naming
from image_service.images.products.naming import MAX_KEY
from image_service.ingest.filenames import download_name
from image_service.stores.tokens import Caller
from image_service.web import etags
from image_service.web.access.callers import Reader, Writer
from image_service.web.blob_response import blob_response
from image_service.web.bodies import uploads
from image_service.web.bodies.json_body import JsonBounds
from image_service.web.bodies.validated import validated
from image_service.web.images.answers import Fields, answer
from image_service.web.images.products import by_language, storable_query
from image_service.web.numbers import Count, ImageId, ProductId
from image_service.web.openapi.routes import Router
from image_service.web.pagination import PageAsked, ProductsPageAsked
from image_service.web.parts import Parts, PartsOf

Since = Annotated[Count, Query(description="Restrict results to after the specified ID.")]

routes = Router()
# Only under the versioned prefixes. Before all other routes: a SKU may contain slashes or be `images`.
by_key = Router()
named = Router()

# A product as it is shown may be sent back: 250 images with their alt texts.
BOUNDS = JsonBounds(bytes=2 * 1024 * 1024, values=50_000)
MAX_WORDS = 200  # characters in a search
MAX_SENT_KEY = 4 * MAX_KEY  # before Unicode composition: a letter and three marks


@routes.get("/products", **described.LIST_PRODUCTS)
async def list_products(
    request: Request,
    caller: Reader,
    parts: PartsOf,
    paging: ProductsPageAsked,
    since_id: Since = 0,
    q: Annotated[
        str | None,
        Query(
            description="Products by the beginnings of words: all in the product's name and key, or all in the file "
            "name and the `alt` texts of one of its images. Capitals and accents make no difference; `ł`, `ø`, `ß` and "
            "their like are letters of their own.",
            examples=["red sho"],
            max_length=MAX_WORDS,
        ),
    ] = None,
    key: Annotated[
        str | None,
        Query(description="The product that has this key.", examples=["SKU-12/red"], max_length=MAX_SENT_KEY),
    ] = None,
    fields: ProductFields = None,
) -> Response:
    """Every product with an image, a name or a key, ordered by id: the number of its images, the main one, and all in
    order. A search finds at most 1,000 products.
    """
    part = {"since_id": since_id, "offset": paging.offset, "limit": paging.per_page}
    if q is None and key is None:
        page = await listing.listed(parts.database, caller.store_id, **part)
    else:
        words, key = (None if each is None else storable_query(each) for each in (q, key))
        page = await listing.found(parts.database, caller.store_id, key=key, words=words, **part)
    headers = paging.headers(request, parts.api_base, page.total)
    return await page_of(request, parts, caller, page, fields, headers)


@routes.get("/products/{product_id}", **described.GET_PRODUCT)
async def get_product(
    request: Request, product_id: ProductId, caller: Reader, parts: PartsOf, fields: ProductFields = None
) -> Response:
    """The gallery of a product, with its name and key; 404 if it has no image, no name and no key."""
    return await _answer(request, parts, caller, product_id, fields)


@by_key.get("/products/sku/{sku:path}", **described.GET_PRODUCT_BY_SKU)
async def get_product_by_sku(
    request: Request,
    sku: Annotated[str, Path(description="The product's key.", examples=["SKU-12"], max_length=MAX_SENT_KEY)],
    caller: Reader,
    parts: PartsOf,
    fields: ProductFields = None,
) -> Response:
    """The product with this key, and its gallery."""
    product = await naming.by_key(parts.database, caller.store_id, storable_query(sku))
    if product is None:
        raise ProductNotFound
    return await _answer(request, parts, caller, product.id, fields)


@named.put("/products/{product_id}", **described.NAME_PRODUCT)
async def name_product(
    request: Request, product_id: ProductId, caller: Writer, parts: PartsOf, fields: ProductFields = None
) -> Response:
    """Name a product, in any number of languages. The platform's other product fields are ignored."""
    expected = etags.expected_versions(request)
    body = await uploads.read_fields(request, BOUNDS, last_wins=True)
    asked = validated(ProductNameInput, body.fields)
    said = asked.model_fields_set
    before = await naming.find(parts.database, caller.store_id, product_id)
    await naming.describe(
        parts.database,
        caller.store_id,
        product_id,
        key=asked.key if "key" in said else UNCHANGED,
        name=told(asked.name, by_language(before.name, caller.language)) if "name" in said else UNCHANGED,
        expected=expected,
    )
    return await _answer(request, parts, caller, product_id, fields)


async def _answer(request: Request, parts: Parts, caller: Caller, product_id: int, fields: str | None) -> Response:
    """Responds with the current product. Raises `ProductNotFound`."""
    gallery = await queries.gallery(parts.database, caller.store_id, product_id)
    product = await naming.find(parts.database, caller.store_id, product_id)
    if not gallery.images and product.key is None and product.name is None:
        raise ProductNotFound
    view, images = view_of(request, parts, caller), gallery.images
    body = shown(names_wanted(fields, WHOLE), product, images, len(images), view, caller.language)
    return answer(request, view, gallery.revision, body)


@routes.delete("/products/{product_id}", **described.EMPTY_PRODUCT)
async def empty_product(
    request: Request,
    product_id: ProductId,
    caller: Writer,
    parts: PartsOf,
    forget: Annotated[bool, Query(description="true: remove its name and key too.")] = False,
) -> Response:
    """Empty a product's gallery. Name and key stay, unless `forget` is true."""
    expected = etags.expected_versions(request)
    await parts.library.empty(caller.store_id, product_id, forget=forget, expected=expected)
    return JSONResponse({})


@routes.get("/images", **described.LIST_STORE_IMAGES)
async def list_store_images(
    request: Request,
    caller: Reader,
    parts: PartsOf,
    paging: PageAsked,
    assigned: Annotated[
        bool | None, Query(description="false: unassigned images; true: images on a product; absent: all.")
    ] = None,
    since_id: Since = 0,
    fields: Fields = None,
) -> Response:
    """All images of the store, or the unassigned ones (`assigned=false`)."""
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
    """An image by its id alone, also an unassigned one."""
    image = await queries.image(parts.database, caller.store_id, id)
    view = view_of(request, parts, caller, fields)
    return answer(request, view, image.version, view.of(image))


@routes.delete("/images/{id}", **described.DELETE_STORE_IMAGE)
async def delete_store_image(
    request: Request,
    id: ImageId,
    caller: Writer,
    parts: PartsOf,
    assigned: Annotated[
        bool | None, Query(description="false: only an unassigned image, otherwise 404; true: only one on a product.")
    ] = None,
) -> Response:
    """Delete an image by its id alone; if it was on a product, the images after it close up."""
    await parts.library.remove(caller.store_id, id, assigned=assigned, expected=etags.expected_versions(request))
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
    # A hash of the bytes: a replacement may have the same size in the same second.
    etag = f'"{image.sha256}"'
    return await blob_response(request, open_blob, image.format.media_type, headers, etag=etag)
