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
Id = Annotated[Identity, described("The same for the image's whole life.")]
Src = Annotated[Url, described("The picture, 640 pixels wide at the most, in the image's own format.")]
Position = Annotated[int | None, described("From 1; null where the image is on no product.", minimum=1)]
Product = Annotated[int | None, described("Null where the image is on no product.", format="int64", minimum=1)]
Updated = Annotated[Time, described("Of the last change of this image; not of others that made it close up.")]


class VariantBody(TypedDict):
    """The picture in one size and one format."""

    size: Annotated[str, described("Width and height of the box; 0: as the other side needs.", examples=["240-0"])]
    format: Annotated[Literal["jpg", "png", "gif", "webp", "avif"], described("Also the extension of its URL.")]
    url: Url
    width: Pixels
    height: Pixels


class SrcsetBody(TypedDict):
    """What a `<picture>` is made of. The URL of a size in a format is `url` with both put into it."""

    url: Annotated[str, described("With `{size}` and `{format}` in it.")]
    formats: Annotated[
        list[Literal["avif", "webp", "jpg", "png", "gif"]],
        described("Those that hold every size, the smallest files first."),
    ]
    sizes: Annotated[
        dict[str, Annotated[list[Pixels], Field(min_length=2, max_length=2)]],
        described("Width and height by name, the smallest first; no two are as wide."),
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
    bytes: Annotated[int, described("Of the original as stored.", minimum=1)]
    format: Annotated[
        Literal["jpg", "png", "gif", "webp", "avif"],
        described("Of the original, decided by its bytes. `webp` and `avif` are taken where the settings say so."),
    ]
    thumbhash: Annotated[str, described("A placeholder of some 25 bytes, in base64.", contentEncoding="base64")]
    filename: Annotated[str, described("What the picture was called when it was sent.")]
    sha256: Annotated[str, described("Of the original as stored.", pattern="^[0-9a-f]{64}$")]
    source_url: Annotated[str | None, described("What it was fetched from; null where it was sent.")]
    variants: Annotated[list[VariantBody], described("Every offered size, in every format that holds it.")]
    srcset: Annotated[
        SrcsetBody, described("The same in a tenth of the bytes; asked for by name, `all` leaves it out.")
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
