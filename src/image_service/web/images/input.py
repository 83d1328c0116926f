"""An image's fields in the body of a create or an update, in JSON or a form."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from image_service.web.bodies.uploads import Submission
from image_service.web.bodies.validated import validated
from image_service.web.images.texts import AltText, Name
from image_service.web.numbers import MAX_ID, WHOLE, Number


class ImageInput(BaseModel):
    """The body of a create or an update. In a create `id` is ignored. Names that are not known are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    src: Annotated[
        str | None, Field(description="A URL to fetch the picture from; a `data:` URL is an attachment.")
    ] = None
    attachment: Annotated[
        str | None, Field(description="The picture in base64; line breaks and a `data:` prefix are allowed.")
    ] = None
    filename: Annotated[Name | None, Field(description="The attachment's name.")] = None
    image_id: Annotated[
        Number | None,
        Field(ge=1, le=MAX_ID, description="The id of an unassigned image, to be assigned to this product."),
        WHOLE,
    ] = None
    position: Annotated[
        Number | None, Field(ge=1, description="From 1; beyond the end means the end; absent: the end."), WHOLE
    ] = None
    alt: Annotated[AltText, Field(description="A text, or a map of language to text.")] = None
    id: Annotated[
        Number | None,
        Field(ge=1, le=MAX_ID, description="In an update: the image's own id, which may be repeated."),
        WHOLE,
    ] = None
    product_id: Annotated[
        Number | None, Field(ge=1, le=MAX_ID, description="The product's own id, which may be repeated."), WHOLE
    ] = None

    @property
    def gives_alt(self) -> bool:
        return "alt" in self.model_fields_set

    @property
    def said(self) -> dict[str, Any]:
        """All given fields: repeats are compared by these."""
        return self.model_dump(exclude_unset=True)


_NEW = ImageInput.model_fields.keys() - {"id"}  # libraries number their files: `id=WU_FILE_0`


def parse_new(body: Submission) -> ImageInput:
    """As `parse_input`, for a create."""
    fields = body.texts(_NEW) if body.is_form else body.fields
    return validated(
        ImageInput, {name: value for name, value in fields.items() if name in _NEW and not _is_unset(name, value)}
    )


def _is_unset(name: str, value: Any) -> bool:
    """Typed clients send 0 for an id that they do not set. A `position` of 0 may be meant, and is refused."""
    return name in ("image_id", "product_id") and value in (0, "0") and value is not False


def parse_input(body: Submission) -> ImageInput:
    """Raises `InvalidField` with every invalid field."""
    fields = body.texts(ImageInput.model_fields) if body.is_form else body.fields
    return validated(ImageInput, fields)
