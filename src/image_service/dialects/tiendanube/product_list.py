"""Products in responses, and pages of them with all images, read and sent some galleries at a time."""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import Annotated, Any, Protocol

import msgspec
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from image_service.dialects.tiendanube.answers import view_of
from image_service.images import queries
from image_service.images.products.listing import Product
from image_service.images.products.naming import Name
from image_service.images.queries import Gallery, Image, Page
from image_service.stores.tokens import Caller
from image_service.web import etags
from image_service.web.answers import StreamedResponse
from image_service.web.images.answers import finished
from image_service.web.images.products import by_language, text_of
from image_service.web.images.view import View, picked
from image_service.web.parts import Parts

ProductFields = Annotated[
    str | None,
    Query(description="Comma-separated list of the product's fields to include in the response."),
]

IMAGES_AT_ONCE = 250  # some 100 kB of a response; a page may have 50,000

_NAMES = ("name", "key")
_WITHOUT_IMAGES = ("id", *_NAMES, "images_count")
LISTED = (*_WITHOUT_IMAGES, "image", "images")  # a listed product's properties, unless `fields` says otherwise
WHOLE = ("id", *_NAMES, "images")  # a single product's


class Named(Protocol):
    """A product's id, key and name."""

    @property
    def id(self) -> int: ...
    @property
    def key(self) -> str | None: ...
    @property
    def name(self) -> Name: ...


def shown(
    names: Sequence[str], product: Named, images: Sequence[Image], count: int, view: View, language: str
) -> dict[str, Any]:
    """The properties `names` of a product with `count` images. If any image is shown, `images` must hold all. `image`,
    name and key are omitted if absent. `language`: the store's, for a name shown as one text.
    """
    all_shown = [view.of(image) for image in images]
    whole: dict[str, Any] = {
        "id": product.id,
        "images_count": count,
        "images": all_shown,
    }
    if all_shown:
        whole["image"] = all_shown[0]
    if product.name is not None:
        whole["name"] = by_language(product.name, language) if view.language else text_of(product.name, language)
    if product.key is not None:
        whole["key"] = product.key
    return {name: whole[name] for name in names if name in whole}


def names_wanted(fields: str | None, default: Sequence[str]) -> tuple[str, ...]:
    """`fields` selects properties of the product, not of its images."""
    return picked(fields, LISTED, default)


async def page_of(
    request: Request,
    parts: Parts,
    caller: Caller,
    page: Page[Product],
    fields: str | None,
    headers: dict[str, str],
) -> Response:
    """Sends few images at once, and streams many: a slow client then costs no more than a quick one. If a gallery has
    changed since the page was found, the tag is outdated, and the next request gets a new one.
    """
    version = etags.fingerprint(page.total, caller.language, *((each.id, each.revision) for each in page.items))
    view, names = view_of(request, parts, caller), names_wanted(fields, LISTED)
    has_images = not set(names) <= set(_WITHOUT_IMAGES)
    groups = list(_groups(page.items)) if has_images else [page.items]

    async def read(group: Sequence[Product]) -> list[dict[str, Any]]:
        galleries: Mapping[int, Gallery] = {}
        if has_images and (ids := [each.id for each in group if each.images_count]):
            galleries = await queries.galleries(parts.database, caller.store_id, ids)
        answers = []
        for product in group:
            images = galleries[product.id].images if product.id in galleries else ()
            count = len(images) if has_images else product.images_count
            answers.append(shown(names, product, images, count, view, caller.language))
        return answers

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
    """Consecutive products with at most `IMAGES_AT_ONCE` images together, or one product with more."""
    group: list[Product] = []
    for product in products:
        if group and sum(each.images_count for each in group) + product.images_count > IMAGES_AT_ONCE:
            yield group
            group = []
        group.append(product)
    if group:
        yield group
