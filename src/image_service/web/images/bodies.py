"""The bodies that show an image, as OpenAPI describes them. `view` makes them."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict


def described(description: str, **schema: Any) -> Any:
    """A property's OpenAPI text."""
    return Field(description=description, json_schema_extra=schema)


Identity = Annotated[int, described("", format="int64", minimum=1)]
Pixels = Annotated[int, described("Pixels.", minimum=1)]
Url = Annotated[str, described("Public, and cacheable for ever.", format="uri")]
Time = Annotated[str, described("ISO 8601 with seconds and a numeric offset.", format="date-time")]
Id = Annotated[Identity, described("The image's id, which never changes.")]
Src = Annotated[Url, described("The URL of the picture, at most 640 pixels wide, in the image's own format.")]
Position = Annotated[int | None, described("From 1; null where the image is on no product.", minimum=1)]
Product = Annotated[int | None, described("Null where the image is on no product.", format="int64", minimum=1)]
Updated = Annotated[
    Time, described("Time of this image's last change; a shift caused by another image does not count.")
]


class VariantBody(TypedDict):
    """The picture in one size and one format."""

    size: Annotated[str, described("Maximum width and height; 0: no limit on that side.", examples=["240-0"])]
    format: Annotated[
        Literal["jpg", "png", "gif", "webp", "avif"], described("The variant's format, and the extension of its URL.")
    ]
    url: Url
    width: Pixels
    height: Pixels


class SrcsetBody(TypedDict):
    """Sizes and formats for a `<picture>`."""

    url: Annotated[str, described("A template: replace `{size}` and `{format}`.")]
    formats: Annotated[
        list[Literal["avif", "webp", "jpg", "png", "gif"]],
        described("The formats available for every size, the smallest files first."),
    ]
    sizes: Annotated[
        dict[str, Annotated[list[Pixels], Field(min_length=2, max_length=2)]],
        described("Width and height of each size by its name, the smallest first; no two are equally wide."),
    ]


class _Further(TypedDict, total=False):
    """`fields` asks for them; the versioned prefixes show `alt` without being asked."""

    alt: Annotated[
        str | dict[str, str] | Annotated[list[str], Field(max_length=0)] | None,
        described(
            "As it was given: a text, or a map of language to text. Under the versioned prefixes always a map, or an "
            "empty list where there is none."
        ),
    ]
    width: Annotated[Pixels, described("Pixels of the original, upright.")]
    height: Annotated[Pixels, described("Pixels of the original, upright.")]
    bytes: Annotated[int, described("Size of the stored original.", minimum=1)]
    format: Annotated[
        Literal["jpg", "png", "gif", "webp", "avif"],
        described(
            "Format of the original, detected from its bytes. `webp` and `avif` only if the settings allow them."
        ),
    ]
    thumbhash: Annotated[str, described("A placeholder of some 25 bytes, in base64.", contentEncoding="base64")]
    filename: Annotated[str, described("Name of the uploaded file.")]
    sha256: Annotated[str, described("SHA-256 of the stored original.", pattern="^[0-9a-f]{64}$")]
    source_url: Annotated[str | None, described("URL that it was fetched from; null if it was uploaded.")]
    variants: Annotated[list[VariantBody], described("Every available size in every available format.")]
    srcset: Annotated[
        SrcsetBody, described("The variants in a tenth of the bytes; only if requested by name, not by `all`.")
    ]


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


class EmptyObject(TypedDict):
    """What was to be removed is gone."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]  # pydantic's own way to configure one
