"""The bodies that only Tiendanube's routes have: products."""

from typing import Annotated

from typing_extensions import TypedDict

from image_service.web.images.bodies import Identity, ImageBody, described


class ProductBody(TypedDict):
    """A product's whole gallery."""

    id: Annotated[Identity, described("The merchant's own product number.")]
    images: Annotated[list[ImageBody], described("By position.")]


class ProductSummary(TypedDict):
    """A product in a list."""

    id: Annotated[Identity, described("The merchant's own product number.")]
    images_count: Annotated[int, described("At least 1.", minimum=1)]
    image: Annotated[ImageBody, described("The first of its gallery.")]
    images: Annotated[list[ImageBody], described("All of its gallery, by position.")]


class PickedProduct(TypedDict, total=False):
    """A product of which `fields` picked some properties."""

    id: Annotated[Identity, described("The merchant's own product number.")]
    images_count: Annotated[int, described("At least 1.", minimum=1)]
    image: Annotated[ImageBody, described("The first of its gallery.")]
    images: Annotated[list[ImageBody], described("All of its gallery, by position.")]
