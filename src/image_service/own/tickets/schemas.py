"""The request and response bodies of upload tickets."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict
from typing_extensions import TypedDict

from image_service.edge.origin import ORIGIN, origins
from image_service.errors import InvalidField
from image_service.images.upload_tickets import Allowed, Ticket
from image_service.web.bodies.uploads import Submission
from image_service.web.bodies.validated import validated
from image_service.web.images.bodies import Time, described
from image_service.web.images.view import time_of
from image_service.web.numbers import MAX_ID, WHOLE, Number

MAX_POSITION = 10_000  # the most images that any setting allows a product
MAX_ORIGINS = 20  # one for each country's shop, and for development
DEFAULT_SECONDS = 900  # time to choose some photos and send them

# --- requests ---


Origins = Annotated[
    list[Annotated[str, Strict(), Field(json_schema_extra={"pattern": ORIGIN})]],
    Field(max_length=MAX_ORIGINS),
    AfterValidator(origins),
]


class TicketInput(BaseModel):
    """What a ticket allows. Unknown fields are refused, so that a mistyped limit is not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product_id: Annotated[
        Number | None,
        Field(ge=1, le=MAX_ID, description="The product that gets the images; absent: they are unassigned."),
        WHOLE,
    ] = None
    position: Annotated[
        Number | None,
        Field(
            ge=1,
            le=MAX_POSITION,
            description="The position of the first image; each further one follows. Absent: the end.",
        ),
        WHOLE,
    ] = None
    files: Annotated[
        Number | None,
        Field(
            ge=1,
            le=MAX_ID,
            description="The number of images that may be added; at most as many as a product may have.",
        ),
        WHOLE,
    ] = 1
    bytes: Annotated[
        Number | None,
        Field(ge=1, le=MAX_ID, description="The bytes of all files together; absent: `files` times `bytes_per_file`."),
        WHOLE,
    ] = None
    bytes_per_file: Annotated[
        Number | None,
        Field(ge=1, le=MAX_ID, description="The bytes of each file; absent: the limit of every upload, 10485759."),
        WHOLE,
    ] = None
    expires_in: Annotated[
        Number | None,
        Field(ge=1, le=MAX_ID, description="Seconds until the ticket expires, at most 3600 by default; absent: 900."),
        WHOLE,
    ] = None
    origins: Annotated[
        Origins | None,
        Field(
            description="Origins of pages that may use the ticket, beside those of the settings: `https://shop.example.com`."
        ),
    ] = []


def parse_ticket(
    body: Submission, *, max_files: int, max_image_bytes: int, max_seconds: int
) -> tuple[Allowed, timedelta]:
    """What the ticket allows, and its lifetime. Raises `InvalidField` with every field that cannot be used."""
    asked = validated(TicketInput, body.fields)
    for name, most in (("files", max_files), ("bytes_per_file", max_image_bytes), ("expires_in", max_seconds)):
        if (getattr(asked, name) or 0) > most:
            raise InvalidField(name, f"must be less than or equal to {most}")
    if asked.position is not None and asked.product_id is None:
        raise InvalidField("position", "needs a product_id")
    per_file = asked.bytes_per_file or max_image_bytes
    files = asked.files or 1
    whole = files * per_file
    allowed = Allowed(
        product_id=asked.product_id,
        position=asked.position,
        files=files,
        bytes=min(asked.bytes or whole, whole),
        bytes_per_file=per_file,
        origins=tuple(asked.origins or ()),
    )
    return allowed, timedelta(seconds=asked.expires_in or min(DEFAULT_SECONDS, max_seconds))


# --- responses ---


TicketStatus = Literal["open", "expired", "used_up", "tried_too_often"]


class TicketBody(TypedDict):
    """A ticket as its store sees it; its URL is shown once, when it is made."""

    id: Annotated[str, described("The ticket's id, of no use without the URL.", pattern="^[0-9a-f]{32}$")]
    status: Annotated[TicketStatus, described("`open`, or why no more files may be sent.")]
    product_id: Annotated[int | None, described("Null: the images are on no product.", format="int64", minimum=1)]
    position: Annotated[int | None, described("Position of the first image; null: the end.", minimum=1)]
    files: Annotated[int, described("Number of images that it may add.", minimum=1)]
    files_left: Annotated[int, described("Number of images that it may still add.", minimum=0)]
    bytes: Annotated[int, described("Bytes of all files together.", minimum=1)]
    bytes_left: Annotated[int, described("Bytes that may still be sent.", minimum=0)]
    bytes_per_file: Annotated[int, described("Bytes of each file, at most.", minimum=1)]
    origins: Annotated[list[str], described("Origins of pages that may use it, beside those of the settings.")]
    created_at: Time
    expires_at: Annotated[Time, described("No upload may begin after this.")]


class TicketWithUrl(TicketBody):
    """A ticket that has just been made."""

    url: Annotated[
        str, described("The URL that the front-end posts to. Anybody who has it may use the ticket.", format="uri")
    ]


def shown(ticket: Ticket) -> TicketBody:
    allowed = ticket.allowed
    status: Any = "open" if ticket.end is None else str(ticket.end)
    return {
        "id": ticket.id.hex,
        "status": status,
        "product_id": allowed.product_id,
        "position": allowed.position,
        "files": allowed.files,
        "files_left": ticket.files_left,
        "bytes": allowed.bytes,
        "bytes_left": ticket.bytes_left,
        "bytes_per_file": allowed.bytes_per_file,
        "origins": list(allowed.origins),
        "created_at": time_of(ticket.created_at),
        "expires_at": time_of(ticket.expires_at),
    }
