"""Maps an `Image` to the properties in an answer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from image_service.images.queries import Image
from image_service.images.rendering.offered import variants_of
from image_service.pixels.picture import Format
from image_service.pixels.sizes import SRC_SIZE, Offer
from image_service.storage.names import VariantName, variant_path

SRC_NAME = str(SRC_SIZE)


@dataclass(frozen=True)
class View:
    """How to show an image: the base of its URLs, and its properties."""

    delivery_base: str
    offer: Offer
    fields: tuple[str, ...]
    language: str | None = None  # show texts by language, with this as the default; None: as sent
    properties: Mapping[str, "Shown"] = field(default_factory=lambda: ANY)  # available to `fields`

    @cached_property
    def shape(self) -> str:
        """All that an answer's form depends on, except images."""
        return "\0".join((self.delivery_base, *self.fields, repr(self.offer), self.language or ""))

    @cached_property
    def _properties(self) -> list[tuple[str, "Shown"]]:
        return [(name, self.properties[name]) for name in self.fields]

    def of(self, image: Image) -> dict[str, Any]:
        return {name: shown(image, self) for name, shown in self._properties}

    def url(self, name: VariantName) -> str:
        return f"{self.delivery_base}/{name}"


def _src(image: Image, view: View) -> str:
    return (
        f"{view.delivery_base}/{variant_path(image.store_id, image.slug, image.key, SRC_NAME, image.format.rendered)}"
    )


def _alt(image: Image, view: View) -> Any:
    """By language: a map, or the empty list, PHP's empty map."""
    if view.language is None:
        return image.alt
    return ({view.language: image.alt} if isinstance(image.alt, str) and image.alt else image.alt) or []


def _variants(image: Image, view: View) -> list[dict[str, Any]]:
    return [
        {
            "size": str(variant.size),
            "format": str(variant.format),
            "url": view.url(variant.name),
            "width": variant.width,
            "height": variant.height,
        }
        for variant in variants_of(image, view.offer)
    ]


def _srcset(image: Image, view: View) -> dict[str, Any]:
    """The data for a `<picture>`, in a tenth of the bytes of `variants`: each size once, and the formats that have all
    sizes, smallest files first.
    """
    offered = variants_of(image, view.offer)
    own = [each for each in offered if each.format is image.format.rendered]
    held = {format_: {each.size for each in offered if each.format is format_} for format_ in Format}
    first = {each.width: each for each in reversed(own)}  # the first of equal widths
    template = variant_path(image.store_id, image.slug, image.key, "{size}", "{format}")
    return {
        "url": f"{view.delivery_base}/{template}",
        "formats": [str(each) for each in _SMALLEST_FIRST if held[each] == held[image.format.rendered]],
        "sizes": {str(each.size): [each.width, each.height] for _, each in sorted(first.items())},
    }


_SMALLEST_FIRST = (Format.AVIF, Format.WEBP, Format.JPG, Format.PNG, Format.GIF)


def time_of(moment: datetime) -> str:
    """ISO 8601 with seconds and a numeric offset, as printed."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


Shown = Callable[[Image, View], Any]
# In the order of the answer.
PROPERTIES: dict[str, Shown] = {
    "id": lambda image, _: image.id,
    "src": _src,
    "position": lambda image, _: image.position,
    "product_id": lambda image, _: image.product_id,
    "created_at": lambda image, _: time_of(image.created_at),
    "updated_at": lambda image, _: time_of(image.updated_at),
    "alt": _alt,
    "width": lambda image, _: image.width,
    "height": lambda image, _: image.height,
    "bytes": lambda image, _: image.bytes,
    "format": lambda image, _: str(image.format),
    "thumbhash": lambda image, _: image.thumbhash,
    "filename": lambda image, _: image.filename,
    "sha256": lambda image, _: image.sha256,
    "source_url": lambda image, _: image.source_url,
    "variants": _variants,
}
LIGHT: dict[str, Shown] = {"srcset": _srcset}  # only by name: `all` has `variants`
ANY: dict[str, Shown] = PROPERTIES | LIGHT
BASIC_FIELDS = ("id", "src", "position", "product_id", "created_at", "updated_at")  # unless `fields` says otherwise


def fields_wanted(fields: str | None, default: tuple[str, ...] = BASIC_FIELDS) -> tuple[str, ...]:
    """`picked` for an image."""
    light = {name.strip() for name in (fields or "").split(",")} & LIGHT.keys()
    return (*picked(fields, PROPERTIES, () if light else default), *light)


def picked(fields: str | None, known: Iterable[str], default: Sequence[str]) -> tuple[str, ...]:
    """`fields=` picks properties by name, `all` all of them; unknown names are ignored. Without any known name,
    `default` applies.
    """
    names = {name.strip() for name in (fields or "").split(",")}
    return tuple(name for name in known if name in names or "all" in names) or tuple(default)
