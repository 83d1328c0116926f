"""Products as answers show them, and pages of them with all their images, read and sent some galleries at a time."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from image_service.dialects.tiendanube.answers import view_of
from image_service.images import queries
from image_service.images.queries import Image, Page, Product
from image_service.stores.tokens import Caller
from image_service.web.answers import StreamedResponse
from image_service.web.images.answers import finished
from image_service.web.images.view import View, picked
from image_service.web.parts import Parts

ProductFields = Annotated[
    str | None,
    Query(description="Comma-separated list of the product's fields to include in the response."),
]

IMAGES_AT_ONCE = 250  # some 100 kB of an answer; a page may have 50,000

_WITHOUT_IMAGES = ("id", "images_count")
LISTED = (*_WITHOUT_IMAGES, "image", "images")  # what a product in a list has unless `fields` says otherwise
WHOLE = ("id", "images")  # one by itself


def shown(names: Sequence[str], product_id: int, images: Sequence[Image], view: View) -> dict[str, Any]:
    """The properties `names` of a product that has at least one image."""
    all_shown = [view.of(image) for image in images]
    whole = {"id": product_id, "images_count": len(images), "image": all_shown[0], "images": all_shown}
    return {name: whole[name] for name in names}


def names_wanted(fields: str | None, default: Sequence[str]) -> tuple[str, ...]:
    """`fields` names properties of the product; its images always have their plain keys."""
    return picked(fields, LISTED, default)


async def page_of(
    request: Request,
    parts: Parts,
    caller: Caller,
    page: Page[Product],
    version: int,
    fields: str | None,
    headers: dict[str, str],
) -> Response:
    """A few images at once; many as they are read: a slow client then costs no more than a quick one. A gallery may
    have changed since `version` was found: the tag is then an old one, and the next question gets another.
    """
    view, names = view_of(request, parts, caller), names_wanted(fields, LISTED)
    has_images = not set(names) <= set(_WITHOUT_IMAGES)
    groups = list(_groups(page.items)) if has_images else [page.items]

    async def read(group: Sequence[Product]) -> list[dict[str, Any]]:
        if not has_images:
            whole = [{"id": each.id, "images_count": each.images_count} for each in group]
            return [{name: product[name] for name in names} for product in whole]
        found = await queries.galleries(parts.database, caller.store_id, [each.id for each in group])
        return [shown(names, product_id, gallery.images, view) for product_id, gallery in found.items()]

    async def chunks() -> AsyncGenerator[bytes, None]:
        before = b"["
        for group in groups:
            for product in await read(group):
                yield before + msgspec.json.encode(product)
                before = b","
        yield b"]" if before == b"," else b"[]"

    answer = finished(request, view, version, None, headers=headers)
    if answer.is_current(request):
        return answer.to(request)
    if len(groups) <= 1:
        return answer.with_body(msgspec.json.encode([each for group in groups for each in await read(group)])).to(
            request
        )
    body = chunks()
    return StreamedResponse(body, body.aclose, answer.status, {**answer.headers, "Content-Type": "application/json"})


def _groups(products: Sequence[Product]) -> Iterator[list[Product]]:
    """Neighbours that have at most `IMAGES_AT_ONCE` together, or one by itself."""
    group: list[Product] = []
    for product in products:
        if group and sum(each.images_count for each in group) + product.images_count > IMAGES_AT_ONCE:
            yield group
            group = []
        group.append(product)
    if group:
        yield group
