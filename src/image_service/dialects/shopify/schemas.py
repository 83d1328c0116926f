"""The request and response bodies of images."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from image_service.errors import MalformedBody
from image_service.web.bodies.uploads import Submission
from image_service.web.bodies.validated import validated
from image_service.web.images.bodies import Identity, Pixels, Src, Time, Updated, described
from image_service.web.images.texts import Name, PlainAlt
from image_service.web.numbers import MAX_ID, WHOLE, Number

MAX_VARIANTS = 1_000  # of one image: half of the values that a JSON body may have


VariantId = Annotated[Number, Field(ge=1, le=MAX_ID), WHOLE]


class ImageFields(BaseModel):
    """What `image` holds in a create or an update. Clients send all properties back; those that are not here count for
    nothing, `metafields` among them.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    src: Annotated[
        str | None,
        Field(description="A URL to fetch the picture from. In an update the image's own URL means no change."),
    ] = None
    attachment: Annotated[str | None, Field(description="The picture in base64; it may contain line breaks.")] = None
    filename: Annotated[Name | None, Field(description="The attachment's name.")] = None
    position: Annotated[
        Number | None,
        Field(ge=1, description="From 1; beyond the end means the end; absent in a create: the end."),
        WHOLE,
    ] = None
    alt: Annotated[PlainAlt, Field(description="A text for people who cannot see the picture.")] = None
    variant_ids: Annotated[
        list[VariantId] | None,
        Field(
            max_length=MAX_VARIANTS,
            description="The product's variants that the image shows. The product's other images lose them.",
        ),
    ] = None

    @property
    def image_id(self) -> None:
        """This API cannot assign an existing image to a product."""

    @property
    def gives_alt(self) -> bool:
        return "alt" in self.model_fields_set

    @property
    def variants(self) -> tuple[int, ...] | None:
        """Without duplicates. None: not in the body."""
        return tuple(dict.fromkeys(self.variant_ids or ())) if "variant_ids" in self.model_fields_set else None

    @property
    def said(self) -> dict[str, Any]:
        return self.model_dump(exclude_unset=True)


def parse_image(body: Submission) -> ImageFields:
    """Reads JSON's `image`, or a form. Raises `MalformedBody` without an `image`, `InvalidField` with every field that
    cannot be used.
    """
    fields: Any = body.texts(ImageFields.model_fields) if body.is_form else body.fields.get("image")
    if not isinstance(fields, dict):
        raise MalformedBody("no object `image`")
    return validated(ImageFields, fields)


class ImageObject(TypedDict, total=False):
    """An image; `fields` picks some of its properties."""

    id: Annotated[Identity, described("The same for the image's whole life.")]
    alt: Annotated[str | None, described("One text; of several languages the store's own, or the first by its code.")]
    position: Annotated[int, described("From 1.", minimum=1)]
    product_id: Annotated[Identity, described("The merchant's own product number.")]
    created_at: Time
    updated_at: Updated
    admin_graphql_api_id: Annotated[str, described("With the same id; there is no GraphQL here.")]
    width: Annotated[Pixels, described("Pixels of the original, upright.")]
    height: Annotated[Pixels, described("Pixels of the original, upright.")]
    src: Src
    variant_ids: Annotated[list[Identity], described("The product's variants that it shows, as they were given.")]


class OneImage(TypedDict):
    """A single image."""

    image: ImageObject


class ImageList(TypedDict):
    """A product's images."""

    images: list[ImageObject]


class ImageCount(TypedDict):
    """How many there are."""

    count: Annotated[int, described("", minimum=0)]


class ProductObject(TypedDict, total=False):
    """What is known of a product here: its pictures. `fields` picks some of the properties."""

    id: Annotated[Identity, described("The merchant's own product number.")]
    title: Annotated[str, described("Its name in the store's language, or the first by its code; absent: none.")]
    images: Annotated[list[ImageObject], described("By position.")]
    image: Annotated[ImageObject, described("The first of them.")]
    variants: Annotated[list[Any], described("Always empty: variants live elsewhere.")]


class OneProduct(TypedDict):
    """A single product."""

    product: ProductObject


class ProductList(TypedDict):
    """Products that have images."""

    products: list[ProductObject]
