"""The variants that an image is offered in."""

from dataclasses import dataclass

from image_service.images.queries import Image
from image_service.pixels.picture import Format
from image_service.pixels.sizes import Offer, Size
from image_service.storage.base import BlobHeaders
from image_service.storage.names import CACHE_FOREVER, VariantName


@dataclass(frozen=True)
class Variant:
    """One of the pictures that may be rendered of an image."""

    name: VariantName
    size: Size
    format: Format
    width: int  # pixels
    height: int


def variants_of(image: Image, offer: Offer) -> list[Variant]:
    """Every size in every format that can hold it, the image's own format first."""
    return [
        Variant(
            VariantName(image.store_id, image.slug, image.key, str(size), str(format_)),
            size,
            format_,
            *size.fit(image.width, image.height),
        )
        for size in offer.sizes
        for format_ in offer.formats(image.format, image.frames, (image.width, image.height), size)
    ]


def public_headers(format_: Format) -> BlobHeaders:
    return BlobHeaders(format_.media_type, CACHE_FOREVER, "inline")
