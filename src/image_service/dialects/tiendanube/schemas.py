"""The bodies that only Tiendanube's routes have: products."""

from typing import Annotated, Any, NotRequired

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from typing_extensions import TypedDict

from image_service.web.images.bodies import Identity, ImageBody, described
from image_service.web.images.products import KEY_SCHEMA, NAME_SCHEMA, name_by_language, plain_key


class ProductNameInput(BaseModel):
    """What a product is called. Names that are not known are ignored: the platform's products have many more."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: Annotated[
        Any,
        BeforeValidator(name_by_language),
        Field(
            description="A map of language to text, or a text in the store's language.", json_schema_extra=NAME_SCHEMA
        ),
    ] = None
    key: Annotated[
        Annotated[str, AfterValidator(plain_key), Field(json_schema_extra=KEY_SCHEMA)] | None,
        Field(description="Your own key, such as a SKU; unique in the store."),
    ] = None


class _Named(TypedDict, total=False):
    """Of a product that has them."""

    name: Annotated[
        str | dict[str, str],
        described("Display name; under the versioned prefixes a map of language to text."),
    ]
    key: Annotated[str, described("The merchant's own key, such as a SKU.")]


class ProductBody(_Named):
    """A product's whole gallery."""

    id: Annotated[Identity, described("The merchant's own product number.")]
    images: Annotated[list[ImageBody], described("By position.")]


class ProductSummary(_Named):
    """A product in a list."""

    id: Annotated[Identity, described("The merchant's own product number.")]
    images_count: Annotated[int, described("How many there are.", minimum=0)]
    image: NotRequired[Annotated[ImageBody, described("The first of its gallery; absent where that is empty.")]]
    images: Annotated[list[ImageBody], described("All of its gallery, by position.")]


class PickedProduct(_Named, total=False):
    """A product of which `fields` picked some properties."""

    id: Annotated[Identity, described("The merchant's own product number.")]
    images_count: Annotated[int, described("How many there are.", minimum=0)]
    image: Annotated[ImageBody, described("The first of its gallery; absent where that is empty.")]
    images: Annotated[list[ImageBody], described("All of its gallery, by position.")]
