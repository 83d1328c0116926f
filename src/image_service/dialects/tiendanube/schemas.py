"""The bodies that only Tiendanube's routes have: products."""

from typing import Annotated

from typing_extensions import TypedDict

from image_service.web.images.bodies import Identity, ImageBody, PickedImage, described


class ProductBody(TypedDict):
    """A product's whole gallery."""

    id: Annotated[Identity, described("The merchant's own product number.")]
    images: Annotated[list[ImageBody | PickedImage], described("By position.")]


class ProductSummary(TypedDict):
    """A product in a list."""

    id: Annotated[Identity, described("The merchant's own product number.")]
    images_count: Annotated[int, described("At least 1.", minimum=1)]
    image: Annotated[ImageBody | PickedImage, described("The first of its gallery.")]
