"""The request and response bodies of products."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from image_service.images.products.naming import Described
from image_service.web.images.bodies import Identity, described
from image_service.web.images.products import KEY_SCHEMA, MAX_NAME, plain_key, plain_name, text_of

Key = Annotated[str, AfterValidator(plain_key), Field(json_schema_extra=KEY_SCHEMA)]
Name = Annotated[str, AfterValidator(plain_name), Field(json_schema_extra={"minLength": 1, "maxLength": MAX_NAME})]
_KEY = "Yours, such as a SKU or a UUID, in any characters; no two products of the store have the same."
_NAME = "Display name."


class ProductInput(BaseModel):
    """What a product is called. What is absent stays as it is; null takes it away."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Annotated[Key | None, Field(description=_KEY)] = None
    name: Annotated[Name | None, Field(description=_NAME)] = None


class ProductByKeyInput(BaseModel):
    """The product to find, or to make."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Annotated[Key, Field(description=_KEY)]
    name: Annotated[Name | None, Field(description="The name, if the product is created now.")] = None


class NamedProduct(TypedDict):
    """A product as the store describes it."""

    id: Annotated[Identity, described("The merchant's own product number, or the one that was given to it.")]
    key: Annotated[str | None, described("The merchant's own; null where it has none.")]
    name: Annotated[str | None, described("Display name; null if it has none.")]


def shown(product: Described, language: str) -> NamedProduct:
    """`language`: the store's, for names in several languages."""
    return {"id": product.id, "key": product.key, "name": text_of(product.name, language)}
