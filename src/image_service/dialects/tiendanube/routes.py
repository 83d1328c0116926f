"""Tiendanube's product-image API: its document's routes, and those around them that its clients need."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from image_service.dialects.tiendanube import examples, lists, products
from image_service.dialects.tiendanube.answers import (
    LOCATION,
    NOT_MODIFIED,
    PAGED,
    PRIVATE,
    Fields,
    answer,
    base_url,
    view_of,
)
from image_service.dialects.tiendanube.lists import listed
from image_service.dialects.tiendanube.problems import OF_A_LIST, errors, render
from image_service.dialects.tiendanube.schemas import ImageBody, Nothing, PickedImage, parse_input
from image_service.dialects.tiendanube.sources import require_one, resolve, upload_from
from image_service.errors import ImageNotFound, InvalidField, NothingGiven
from image_service.images import queries
from image_service.images.library import UNCHANGED
from image_service.images.queries import Image
from image_service.ingest.sources import Intake
from image_service.storage.names import VariantName
from image_service.web import etags
from image_service.web.bodies import uploads
from image_service.web.dependencies import (
    PLAIN,
    Count,
    ImageId,
    Parts,
    PartsOf,
    ProductId,
    Reader,
    Writer,
    require_own_store,
)
from image_service.web.openapi.components import ETAG
from image_service.web.pagination import PageAsked
from image_service.web.problems import Dialect
from image_service.web.repeats import IdempotencyKey, turn

Place = Annotated[int, Field(ge=1), PLAIN]

routes = APIRouter()


@routes.get(
    lists.PATH,
    summary="List a product's images",
    responses={
        200: {
            "model": list[ImageBody | PickedImage],
            "description": "In the order of the gallery, or by id where `since_id` is given.",
            "headers": {**ETAG, **PAGED},
            "content": examples.one([examples.SERVINE, examples.ONYX, examples.STOUTLAND]),
        },
        **OF_A_LIST,
    },
)
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
        Query(description="Show Product Images with a given URL: any size or format, or what it was fetched from."),
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
            key = _key_of(src)
            images = [image for image in images if image.key == key or image.source_url == src]
        return images

    return await listed(request, parts, caller, product_id, paging, fields, chosen)


routes.get("/product/{product_id}/images", include_in_schema=False)(list_images)  # as the document prints it once


def _key_of(src: str) -> str | None:
    """That of the picture which this URL shows, whatever its host; None if its path is not one of ours."""
    _, slash, rest = src.partition("/stores/")
    variant = VariantName.parse(f"stores/{rest.partition('?')[0]}") if slash else None
    return variant.key if variant else None


@routes.post(
    "/products/{product_id}/images",
    summary="Add an image to a product",
    status_code=201,
    responses={
        201: {
            "model": ImageBody | PickedImage,
            "description": "The image, stored so that no fault loses it.",
            "headers": {**ETAG, **LOCATION},
            "content": examples.one(examples.CHARMANDER),
        },
        **errors(400, 403, 408, 409, 412, 413, 415, 422, 507),
    },
    openapi_extra=examples.request_body(examples.CREATE, required=True),
)
async def create_image(
    request: Request, product_id: ProductId, caller: Writer, parts: PartsOf, key: IdempotencyKey, fields: Fields = None
) -> Response:
    """Create a new Product Image from one of: `src`, a URL to fetch; `attachment`, base64; `file`, in a form;
    `image_id`, an image on no product. A `src` of another of your images copies that.
    """
    expected = etags.expected_versions(request)

    def show(image: Image) -> Response:
        location = f"{base_url(request, parts)}/products/{product_id}/images/{image.id}"
        view = view_of(request, parts, fields)
        return answer(request, view, image.version, view.of(image), 201, {"Location": location})

    async with parts.ingest.intake() as intake:
        body = await _read(request, intake, parts)
        asked = parse_input(body)
        said = asked.model_dump(exclude_unset=True)
        async with turn(request, parts, caller.store_id, key, said, body, show) as mine:
            if mine.answered is not None:
                return mine.answered
            given = await resolve(parts, caller.store_id, asked, body)
            require_one(given.names)
            if not given.names:
                raise NothingGiven
            _require_same(product_id=(asked.product_id, product_id))
            if asked.image_id is not None:
                image = await parts.library.assign(
                    caller.store_id,
                    asked.image_id,
                    product_id,
                    position=asked.position,
                    alt=asked.alt if asked.gives_alt else UNCHANGED,
                    expected=expected,
                    once=mine.once,
                )
                intake.assigns()
            else:
                upload = await upload_from(parts, intake, given, given.names[0])
                image = await parts.library.add(
                    caller.store_id,
                    upload,
                    product_id=product_id,
                    position=asked.position,
                    alt=asked.alt,
                    expected=expected,
                    once=mine.once,
                )
    return show(image)


async def _read(request: Request, intake: Intake, parts: Parts) -> uploads.Submission:
    return await uploads.read(
        request, intake, max_image_bytes=parts.max_image_bytes, max_json_bytes=parts.max_json_bytes
    )


def _require_same(**pairs: tuple[int | None, int]) -> None:
    """Ids that a body repeats are those of the path."""
    for name, (repeated, own) in pairs.items():
        if repeated is not None and repeated != own:
            raise InvalidField(name, "can't be changed")


@routes.get(
    "/products/{product_id}/images/{id}",
    summary="Get an image of a product",
    responses={
        200: {
            "model": ImageBody | PickedImage,
            "description": "The image.",
            "headers": ETAG,
            "content": examples.one(examples.ONYX),
        },
        **NOT_MODIFIED,
        **errors(),
    },
)
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
    view = view_of(request, parts, fields)
    return answer(request, view, image.version, view.of(image))


@routes.put(
    "/products/{product_id}/images/{id}",
    summary="Move, describe or replace an image",
    responses={
        200: {
            "model": ImageBody | PickedImage,
            "description": "The image as it is now.",
            "headers": ETAG,
            "content": examples.one(examples.MOVED),
        },
        **errors(400, 403, 408, 412, 413, 415, 422, 507),
    },
    openapi_extra=examples.request_body(examples.UPDATE, required=False),
)
async def update_image(
    request: Request,
    product_id: ProductId,
    id: ImageId,
    caller: Writer,
    parts: PartsOf,
    fields: Fields = None,
) -> Response:
    """Modify an existing Product Image: `position` moves it, and the others close up around it; `alt` describes it;
    `src`, `attachment` or `file` replaces its bytes, which gives it a new URL. Its own `src` means "as it is".
    """
    expected = etags.expected_versions(request)
    async with parts.ingest.intake() as intake:
        body = await _read(request, intake, parts)
        asked = parse_input(body)
        if asked.image_id is not None:
            raise InvalidField("image_id", "can't be given in an update")
        _require_same(id=(asked.id, id), product_id=(asked.product_id, product_id))
        if (await queries.image(parts.database, caller.store_id, id)).product_id != product_id:
            raise ImageNotFound
        given = await resolve(parts, caller.store_id, asked, body)
        own = given.ours is not None and given.ours.id == id
        ways = [way for way in given.names if not (own and way == "src")]
        require_one(ways)
        image = await parts.library.change(
            caller.store_id,
            product_id,
            id,
            position=asked.position,
            alt=asked.alt if asked.gives_alt else UNCHANGED,
            upload=await upload_from(parts, intake, given, ways[0]) if ways else None,
            expected=expected,
        )
    view = view_of(request, parts, fields)
    return answer(request, view, image.version, view.of(image))


@routes.delete(
    "/products/{product_id}/images/{id}",
    summary="Remove an image from a product",
    responses={
        200: {"model": Nothing, "description": "It is gone.", "content": examples.one({})},
        **errors(403, 412),
    },
)
async def delete_image(
    request: Request,
    product_id: ProductId,
    id: ImageId,
    caller: Writer,
    parts: PartsOf,
) -> Response:
    """Remove a Product Image; those behind it close up."""
    await parts.library.remove(caller.store_id, id, product_id=product_id, expected=etags.expected_versions(request))
    return JSONResponse({}, headers=PRIVATE)


router = APIRouter()
for _prefix, _tag in (
    ("", "Tiendanube"),
    ("/v1/{store_id}", "Tiendanube v1"),
    ("/2025-03/{store_id}", "Tiendanube 2025-03"),
):
    _own = [Depends(require_own_store)] if _prefix else []
    router.include_router(routes, prefix=_prefix, tags=[_tag], dependencies=_own)
    router.include_router(products.routes, prefix=_prefix, tags=[_tag], dependencies=_own)

DIALECT = Dialect("tiendanube", "", router, render)  # and of what is no path at all: `OPTIONS *`
