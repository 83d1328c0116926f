"""An image in Shopify's responses: the properties of the platform's documentation, in its order."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from image_service.images.products import naming
from image_service.images.queries import Gallery, Image
from image_service.pixels.sizes import Offer
from image_service.stores.tokens import Caller
from image_service.web.images import view
from image_service.web.images.products import text_of
from image_service.web.images.texts import first_of
from image_service.web.images.view import Shown, View, picked
from image_service.web.parts import Parts


def alt_of(image: Image, language: str | None) -> str | None:
    """This API shows one text: the one in the store's language, else that of the first language by its code."""
    if not isinstance(image.alt, dict):
        return image.alt
    return image.alt.get(language or "", first_of(image.alt))


_ITS_OWN: dict[str, Shown] = {
    "alt": lambda image, view: alt_of(image, view.language),
    "admin_graphql_api_id": lambda image, _: f"gid://shopify/ProductImage/{image.id}",
    "variant_ids": lambda image, _: image.variant_ids or [],
}
NAMES = (
    "id",
    "alt",
    "position",
    "product_id",
    "created_at",
    "updated_at",
    "admin_graphql_api_id",
    "width",
    "height",
    "src",
    "variant_ids",
)
PROPERTIES: dict[str, Shown] = {name: _ITS_OWN.get(name) or view.PROPERTIES[name] for name in NAMES}
PRODUCT = ("id", "title", "images", "image", "variants")


def view_of(parts: Parts, caller: Caller, fields: str | None = None) -> View:
    """`fields` selects properties; without it, all."""
    return _view(parts.delivery_base, parts.offer, fields, caller.language)


@lru_cache(maxsize=256)
def _view(delivery_base: str, offer: Offer, fields: str | None, language: str) -> View:
    return View(delivery_base, offer, picked(fields, NAMES, NAMES), language, PROPERTIES)


async def titles(parts: Parts, caller: Caller, product_ids: Sequence[int], fields: str | None) -> dict[int, str | None]:
    """The names of those products that have one, if `fields` wants titles. Call this after reading the galleries:
    otherwise an old name could get a newer entity tag.
    """
    if not product_ids or "title" not in picked(fields, PRODUCT, PRODUCT):
        return {}
    found = await naming.names(parts.database, caller.store_id, product_ids)
    return {product_id: text_of(name, caller.language) for product_id, name in found.items()}


def product_of(product_id: int, title: str | None, gallery: Gallery, view: View, fields: str | None) -> dict[str, Any]:
    """All that the service knows of a product. Clients expect `variants`, so it is an empty list."""
    shown: dict[str, Callable[[], Any]] = {
        "id": lambda: product_id,
        **({"title": lambda: title} if title is not None else {}),
        "images": lambda: [view.of(image) for image in gallery.images],
        "image": lambda: view.of(gallery.images[0]),
        "variants": list,
    }
    return {name: shown[name]() for name in picked(fields, PRODUCT, PRODUCT) if name in shown}
