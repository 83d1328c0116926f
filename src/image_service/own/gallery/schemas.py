"""The bodies of galleries: the wanted list, and its results."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from typing_extensions import TypedDict

from image_service.errors import InvalidField
from image_service.galleries.entries import Entry, Missing, OnError, Refetch, Wanted
from image_service.galleries.plan import Outcome
from image_service.images.library import UNCHANGED
from image_service.ingest.fetch_policy import MAX_URL
from image_service.own.problems import ProblemBody
from image_service.web.bodies.json_body import JsonBounds
from image_service.web.bodies.validated import message_of, shown_name
from image_service.web.images.bodies import ImageBody, PickedImage, described
from image_service.web.images.texts import AltText, Name
from image_service.web.numbers import MAX_ID, WHOLE, Number

MAX_ENTRIES = 250
BOUNDS = JsonBounds(
    bytes=2 * 1024 * 1024,
    values=50_000,  # 250 entries with a text in 50 languages each have 26,000
)

_SHA256 = re.compile(r"[0-9a-f]{64}")


def _digest(value: str) -> str:
    value = value.lower()
    if not _SHA256.fullmatch(value):
        raise ValueError("must be 64 hex digits")
    return value


Sha256 = Annotated[str, AfterValidator(_digest), Field(json_schema_extra={"pattern": "^[0-9a-fA-F]{64}$"})]


class EntryInput(BaseModel):
    """One image of the list, named by exactly one of `id`, `src` and `sha256`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[Number | None, Field(ge=1, le=MAX_ID, description="An existing image of this product."), WHOLE] = None
    src: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=MAX_URL,
            description="The picture's URL. If this product has an image fetched from there, it keeps its id, and gets "
            "new bytes if they have changed; otherwise the picture is fetched and added. The URL of a picture of your "
            "own names that image, or copies it.",
        ),
    ] = None
    sha256: Annotated[
        Sha256 | None,
        Field(description="The bytes of an image of this product, or of another of the store's, which is copied."),
    ] = None
    filename: Annotated[Name | None, Field(description="With `src`: the file name of the fetched picture.")] = None
    alt: Annotated[
        AltText, Field(description="A text, or a map of language to text. Null clears it; absent: no change.")
    ] = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if sum(each is not None for each in (self.id, self.src, self.sha256)) != 1:
            raise ValueError("must have exactly one of id, src and sha256")
        if self.filename is not None and self.src is None:
            raise ValueError("filename goes with src")
        return self

    def entry(self) -> Entry:
        alt = self.alt if "alt" in self.model_fields_set else UNCHANGED
        return Entry(self.id, self.sha256, self.src, self.filename, alt)


class GalleryInput(BaseModel):
    """The wanted images of a product, in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    images: Annotated[
        list[EntryInput], Field(max_length=MAX_ENTRIES, description="The images in order. An empty list removes all.")
    ]
    missing: Annotated[
        Missing, Field(description="What to do with images that no entry names. Kept ones come after the others.")
    ] = Missing.REMOVE
    refetch: Annotated[
        Refetch,
        Field(
            description="For known sources. `changed`: ask the host whether the picture has changed (`ETag`, "
            "`Last-Modified`), and download it if the host cannot say. `never`: do not ask. `always`: download it."
        ),
    ] = Refetch.CHANGED
    on_error: Annotated[OnError, Field(description="`stop`: if an entry fails, answer 422 and change nothing.")] = (
        OnError.CONTINUE
    )


def parse_gallery(fields: dict[str, Any]) -> Wanted:
    """Raises `InvalidField` with every field that cannot be used: `images[3].alt`."""
    try:
        asked = GalleryInput.model_validate(fields)
    except ValidationError as error:
        findings = error.errors(include_input=False)[:20]
        messages = {_field_of(each["loc"], each["type"]): message_of(each) for each in reversed(findings)}
        first = _field_of(findings[0]["loc"], findings[0]["type"])
        raise InvalidField(first, messages[first], messages) from None
    ids = [each.id for each in asked.images if each.id is not None]
    if len(ids) != len(set(ids)):
        raise InvalidField("images", "must not name an id twice")
    return Wanted(tuple(each.entry() for each in asked.images), asked.missing, asked.refetch, asked.on_error)


_KNOWN = GalleryInput.model_fields.keys() | EntryInput.model_fields.keys()


def _field_of(location: tuple[int | str, ...], kind: str) -> str:
    """The field's path, without the names of a map or a validator at its end; a field that is not known is named."""
    *parents, last = location or ("",)
    if kind == "extra_forbidden":
        return f"{_path(parents)}.{shown_name(last)}" if parents else shown_name(last)
    return _path(location) or "body"


def _path(location: Sequence[int | str]) -> str:
    name = ""
    for part in location:
        if isinstance(part, int):
            name += f"[{part}]"
        elif part in _KNOWN:
            name += f".{part}" if name else part
    return name


class SyncReceipt(TypedDict):
    """What came of an entry, or of an image that no entry names."""

    index: Annotated[int | None, described("Index of the entry, from 0; null for a removed image.", minimum=0)]
    id: Annotated[int | None, described("The image's id, if there is an image.")]
    outcome: Annotated[Outcome, described("In a dry run, `fetch` if the result depends on the bytes.")]
    reason: Annotated[str | None, described("Why it failed: a stable name.", examples=["host_error"])]
    status: Annotated[int | None, described("HTTP status that the host answered, if it did.", examples=[503])]


class SyncedBody(TypedDict):
    """The gallery, and what came of each entry."""

    images: Annotated[list[ImageBody | PickedImage], described("All images in order; in a dry run, unchanged.")]
    revision: Annotated[int, described("Counts changes of the gallery; 0: never written.", minimum=0)]
    receipts: Annotated[list[SyncReceipt], described("One for each entry, in order, then one for each removed image.")]


class GalleryBody(TypedDict):
    """The gallery."""

    images: Annotated[list[ImageBody | PickedImage], described("All of them, in order.")]
    revision: Annotated[int, described("Counts changes of the gallery; 0: never written.", minimum=0)]


class StoppedBody(ProblemBody):
    """What went wrong (RFC 9457), with `receipts` if entries failed."""

    receipts: Annotated[list[SyncReceipt], described("What came of each entry.")] = []  # noqa: RUF012 - pydantic copies it
