"""The bodies of Tiendanube's product-image API: the document's own, and what stands around it (design, Tiendanube)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, Strict, ValidationError
from typing_extensions import TypedDict

from image_service.dialects.tiendanube.texts import AltText, Name
from image_service.images.queries import Image
from image_service.images.variants import variants_of
from image_service.pixels.sizes import SRC_SIZE, Size
from image_service.storage.names import VariantName, variant_path
from image_service.web.bodies.uploads import Submission
from image_service.web.dependencies import DECIMAL, MAX_ID
from image_service.web.problems import invalid_fields

SRC_NAME = str(SRC_SIZE)


# --- what is sent ---

Number = Annotated[int, Strict()]


class ImageInput(BaseModel):
    """The body of a create or an update. Names that are not known are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    src: Annotated[str | None, Field(description="A URL to fetch the picture from.")] = None
    attachment: Annotated[
        str | None, Field(description="The picture in base64; line breaks and a `data:` prefix are taken.")
    ] = None
    filename: Annotated[Name | None, Field(description="The attachment's name.")] = None
    image_id: Annotated[
        Number | None, Field(ge=1, le=MAX_ID, description="An image on no product, to be put on this one.")
    ] = None
    position: Annotated[
        Number | None, Field(ge=1, description="From 1; beyond the end means the end; absent: the end.")
    ] = None
    alt: Annotated[AltText, Field(description="A text, or a map of language to text.")] = None
    id: Annotated[Number | None, Field(ge=1, le=MAX_ID, description="In an update: may be repeated.")] = None
    product_id: Annotated[Number | None, Field(ge=1, le=MAX_ID, description="May be repeated.")] = None

    @property
    def gives_alt(self) -> bool:
        return "alt" in self.model_fields_set


_ALT_OF = re.compile(r"alt\[([^\[\]]{1,100})\]")  # as PHP and its likes write a map in a form
_NUMBERS = ("image_id", "position", "id", "product_id")


def parse_input(body: Submission) -> ImageInput:
    """Raises `InvalidField` with every field that cannot be used."""
    fields = body.fields
    if body.is_form:  # where all is text: numbers are decimal, and what was left empty was not given
        fields = {name: value for name, value in fields.items() if value != ""}
        if languages := {match[1]: fields[name] for name in fields if (match := _ALT_OF.fullmatch(name))}:
            fields["alt"] = languages
        fields |= {name: int(fields[name]) for name in _NUMBERS if DECIMAL.fullmatch(fields.get(name, ""))}
    try:
        return ImageInput.model_validate(fields)
    except ValidationError as error:
        raise invalid_fields(error) from None


# --- what is answered ---


def _shown(description: str, **schema: Any) -> Any:
    """What the API's description says of a property."""
    return Field(description=description, json_schema_extra=schema)


Identity = Annotated[int, _shown("", format="int64", minimum=1)]
Pixels = Annotated[int, _shown("Pixels.", minimum=1)]
Url = Annotated[str, _shown("Public, and cacheable for ever.", format="uri")]
Time = Annotated[str, _shown("ISO 8601 with seconds and a numeric offset.", format="date-time")]
Id = Annotated[Identity, _shown("The same for the image's whole life.")]
Src = Annotated[Url, _shown("The picture, 640 pixels wide at the most, in the image's own format.")]
Position = Annotated[int | None, _shown("From 1; null where the image is on no product.", minimum=1)]
Product = Annotated[int | None, _shown("Null where the image is on no product.", format="int64", minimum=1)]
Updated = Annotated[Time, _shown("Of the last change of this image; not of others that made it close up.")]


class VariantBody(TypedDict):
    """The picture in one size and one format."""

    size: Annotated[str, _shown("Width and height of the box; 0: as the other side needs.", examples=["240-0"])]
    format: Annotated[Literal["jpg", "png", "gif", "webp", "avif"], _shown("Also the extension of its URL.")]
    url: Url
    width: Pixels
    height: Pixels


class _Further(TypedDict, total=False):
    """`fields` asks for them; the versioned prefixes show `alt` without being asked."""

    alt: Annotated[str | dict[str, str] | None, _shown("As it was given: a text, or a map of language to text.")]
    width: Annotated[Pixels, _shown("Pixels of the original, upright.")]
    height: Annotated[Pixels, _shown("Pixels of the original, upright.")]
    bytes: Annotated[int, _shown("Of the original as stored.", minimum=1)]
    format: Annotated[
        Literal["jpg", "png", "gif", "webp", "avif"],
        _shown("Of the original, decided by its bytes. `webp` and `avif` are taken where the settings say so."),
    ]
    thumbhash: Annotated[str, _shown("A placeholder of some 25 bytes, in base64.", contentEncoding="base64")]
    filename: Annotated[str, _shown("What the picture was called when it was sent.")]
    sha256: Annotated[str, _shown("Of the original as stored.", pattern="^[0-9a-f]{64}$")]
    source_url: Annotated[str | None, _shown("What it was fetched from; null where it was sent.")]
    variants: Annotated[list[VariantBody], _shown("Every offered size, in every format that holds it.")]


class ImageBody(_Further):
    """An image. The first six properties are there unless `fields` picks others."""

    id: Id
    src: Src
    position: Position
    product_id: Product
    created_at: Time
    updated_at: Updated


class PickedImage(_Further, total=False):
    """An image of which `fields` picked some properties."""

    id: Id
    src: Src
    position: Position
    product_id: Product
    created_at: Time
    updated_at: Updated


class ProductBody(TypedDict):
    """A product's whole gallery."""

    id: Annotated[Identity, _shown("The merchant's own product number.")]
    images: Annotated[list[ImageBody | PickedImage], _shown("By position.")]


class ProductSummary(TypedDict):
    """A product in a list."""

    id: Annotated[Identity, _shown("The merchant's own product number.")]
    images_count: Annotated[int, _shown("At least 1.", minimum=1)]
    image: Annotated[ImageBody | PickedImage, _shown("The first of its gallery.")]


class Nothing(TypedDict):
    """An empty object: what was to be removed is gone."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]  # pydantic's own way to configure one


class CodeError(BaseModel):
    """What went wrong with the request as a whole."""

    code: Annotated[int, _shown("The status again.")]
    message: Annotated[str, _shown("Its reason phrase.")]
    description: Annotated[str, _shown("For people.")]


class FieldErrors(RootModel[dict[str, list[str]]]):
    """What is wrong with which field: a map of its name to messages."""


class Unreadable(BaseModel):
    """The body could not be read."""

    error: str


@dataclass(frozen=True)
class View:
    """How an image is shown: where its pictures are, and which of its properties."""

    delivery_base: str
    sizes: tuple[Size, ...]
    fields: tuple[str, ...]

    @cached_property
    def shape(self) -> str:
        """What, beside the images, an answer's form depends on."""
        return "\0".join((self.delivery_base, *self.fields, *map(str, self.sizes)))

    @cached_property
    def _properties(self) -> list[tuple[str, Callable[[Image, "View"], Any]]]:
        return [(name, PROPERTIES[name]) for name in self.fields]

    def of(self, image: Image) -> dict[str, Any]:
        return {name: shown(image, self) for name, shown in self._properties}

    def url(self, name: VariantName) -> str:
        return f"{self.delivery_base}/{name}"


def _src(image: Image, view: View) -> str:
    return f"{view.delivery_base}/{variant_path(image.store_id, image.slug, image.key, SRC_NAME, image.format)}"


def _variants(image: Image, view: View) -> list[dict[str, Any]]:
    return [
        {
            "size": str(variant.size),
            "format": str(variant.format),
            "url": view.url(variant.name),
            "width": variant.width,
            "height": variant.height,
        }
        for variant in variants_of(image, view.sizes)
    ]


def time_of(moment: datetime) -> str:
    """ISO 8601 with seconds and a numeric offset, as printed."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


# In the order that they are answered in.
PROPERTIES: dict[str, Callable[[Image, View], Any]] = {
    "id": lambda image, _: image.id,
    "src": _src,
    "position": lambda image, _: image.position,
    "product_id": lambda image, _: image.product_id,
    "created_at": lambda image, _: time_of(image.created_at),
    "updated_at": lambda image, _: time_of(image.updated_at),
    "alt": lambda image, _: image.alt,
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
PRINTED = tuple(PROPERTIES)[:6]  # those of the document
VERSIONED = tuple(PROPERTIES)[:7]  # the platform's versioned API shows `alt` too


def fields_wanted(fields: str | None, *, versioned: bool) -> tuple[str, ...]:
    """`fields=` picks properties by name, `all` all of them; unknown names are ignored."""
    if not fields:
        return VERSIONED if versioned else PRINTED
    names = {name.strip() for name in fields.split(",")}
    return tuple(name for name in PROPERTIES if name in names or "all" in names)
