"""Galleries as Shopify products: each has its images, a title if known, and no data unknown to the service."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from image_service.dialects.shopify import described
from image_service.dialects.shopify.answers import product_of, titles, view_of
from image_service.dialects.shopify.pages import DEFAULT_LIMIT, NO_CURSOR, Chosen, IdsAsked, PageAsked, ids_of
from image_service.dialects.shopify.routes import Fields, Since
from image_service.errors import InvalidField, ProductNotFound
from image_service.images import queries
from image_service.images.stretches import stretch
from image_service.web import etags
from image_service.web.access.callers import Reader
from image_service.web.images.answers import answer
from image_service.web.numbers import ProductId
from image_service.web.openapi.routes import Route
from image_service.web.parts import PartsOf

MAX_IMAGES = 2_500  # on a page: some 900 kB, read and encoded in 0.1 s

routes = APIRouter(route_class=Route)  # `dialect` names its operations


@routes.get("/products.json", **described.LIST_PRODUCTS)
async def list_products(
    request: Request, caller: Reader, parts: PartsOf, paging: PageAsked, since_id: Since = None, ids: IdsAsked = None
) -> Response:
    """Every product with at least one image, or those of `ids`, ordered by id. A page with very many images ends before
    its limit: follow `Link` until there is no `next`. The platform's old `page` is refused.
    """
    cursor = paging.cursor
    chosen = cursor.of if cursor else Chosen("id", since_id or 0, ids_of(ids) if ids else None)
    if chosen.by != "id":
        raise InvalidField("page_info", NO_CURSOR)
    is_backwards = cursor is not None and cursor.way == "before"
    page = await stretch(
        parts.database,
        caller.store_id,
        after=max(cursor.number, chosen.since) if cursor and not is_backwards else chosen.since,
        before=cursor.number if cursor and is_backwards else None,
        ids=chosen.ids,
        limit=paging.limit or DEFAULT_LIMIT,
        max_images=max(MAX_IMAGES, parts.max_images_per_product),
    )
    view = view_of(parts, caller)
    named = await titles(parts, caller, [product_id for product_id, _ in page.items], paging.fields)
    products = [
        product_of(product_id, named.get(product_id), gallery, view, paging.fields)
        for product_id, gallery in page.items
    ]
    links: dict[str, str] = {}
    if page.items:
        ends = page.items[0][0], page.items[-1][0]
        links = paging.links(
            request,
            parts.api_base,
            chosen,
            ends,
            has_previous=page.has_more if is_backwards else cursor is not None,
            has_next=is_backwards or page.has_more,
        )
    shown = [(product_id, gallery.revision) for product_id, gallery in page.items]
    version = etags.fingerprint(shown, links)
    return answer(request, view, version, {"products": products}, headers=links)


@routes.get("/products/{product_id}.json", **described.GET_PRODUCT)
async def get_product(
    request: Request, product_id: ProductId, caller: Reader, parts: PartsOf, fields: Fields = None
) -> Response:
    """A product with all its images, by position; 404 if it has none: the service stores no products."""
    gallery = await queries.gallery(parts.database, caller.store_id, product_id)
    if not gallery.images:
        raise ProductNotFound
    view = view_of(parts, caller)
    named = await titles(parts, caller, [product_id], fields)
    product = product_of(product_id, named.get(product_id), gallery, view, fields)
    return answer(request, view, gallery.revision, {"product": product})
