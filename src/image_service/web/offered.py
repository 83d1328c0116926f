"""The picture in a request: a file in a form, base64 in JSON, a URL, or an image of the store.

Every request that creates an image uses `created`; those that may change one use `reading`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from image_service.errors import InvalidField, NothingGiven
from image_service.galleries.copies import copied
from image_service.galleries.own_urls import image_named
from image_service.images.idempotency import Once
from image_service.images.queries import Image
from image_service.images.upload import Upload
from image_service.ingest.fetch_url import absolute
from image_service.ingest.filenames import clean_filename
from image_service.ingest.hosts.validators import Validators
from image_service.ingest.shares import Owner
from image_service.ingest.sources import Intake
from image_service.jobs.store_jobs import NewJob
from image_service.pixels.picture import Format, Picture, readable
from image_service.web.bodies import uploads
from image_service.web.bodies.json_body import LongTexts
from image_service.web.bodies.misnamed import misnamed, misnamed_in_update, misnamed_long
from image_service.web.bodies.uploads import Submission
from image_service.web.dialect import dialect_of
from image_service.web.idempotency import idempotent, key_of
from image_service.web.jobs import asynchronous
from image_service.web.parts import Parts


class Asked(Protocol):
    """A body's fields, as parsed by its dialect; fields that a dialect lacks are None."""

    @property
    def src(self) -> str | None: ...
    @property
    def filename(self) -> str | None: ...
    @property
    def image_id(self) -> int | None: ...
    @property
    def said(self) -> Mapping[str, Any]:
        """All parsed fields: repeats with the same `Idempotency-Key` are compared by these."""


@dataclass(frozen=True)
class JustAPicture:
    """`Asked` for a body with a picture and no fields."""

    src: None = None
    filename: None = None
    image_id: None = None

    @property
    def said(self) -> Mapping[str, Any]:
        return {}


AskedT = TypeVar("AskedT", bound=Asked)


@dataclass(frozen=True)
class Reading:
    """A body that has been read, and its picture's resources."""

    parts: Parts
    intake: Intake
    body: Submission
    formats: tuple[Format, ...]  # accepted here
    attachment: Sequence[str] | None  # the path of base64 in JSON, of the request's dialect

    async def offer(self, store_id: int, asked: Asked, *, own: Image | None = None) -> "Offer":
        """The offered picture, given in one way at most. In an update of the image `own`, a `src` that names it offers
        nothing.

        Raises `InvalidField` if a picture is given in two ways, `Misnamed` if an update has one under an unknown name,
        and as `image_named` does.
        """
        ours = await image_named(self.parts.database, self.parts.delivery_base, store_id, asked.src or "")
        body = self.body
        given = {
            # A browser's form sends an empty file if none was chosen.
            "file": body.file is not None and bool(body.file.bytes or body.filename),
            "attachment": body.attachment is not None,
            "src": bool(asked.src) and (ours is None or own is None or ours.id != own.id),
            "image_id": asked.image_id is not None,
        }
        ways = [way for way, is_given in given.items() if is_given]
        if len(ways) > 1:
            # A `data:` URL in `src` is an attachment.
            named = {"attachment": body.attachment.field} if body.attachment else {}
            first, second = (named.get(way, way) for way in ways[:2])
            raise InvalidField(first, f"can't be given together with {second}")
        if own is not None and not ways and self.attachment is not None:
            mistake = misnamed_in_update(body, self.attachment, own.key, changes=bool(asked.said))
            if mistake is not None:
                raise mistake  # otherwise the picture would be lost without an error
        return Offer(self, asked, ours, ways[0] if ways else None)


@dataclass(frozen=True)
class Offer:
    """A picture that is not fetched or checked yet."""

    reading: Reading
    asked: Asked
    ours: Image | None  # the image of this store that `src` names
    way: str | None  # `file`, `attachment`, `src` or `image_id`; None: no picture is offered

    @property
    def is_fetched(self) -> bool:
        """Whether to fetch it from another host."""
        return self.way == "src" and self.ours is None

    @property
    def url(self) -> str:
        return absolute(self.asked.src or "")

    async def upload(self) -> Upload:
        """Check the picture; not for `image_id`, whose picture is checked already. Raises what `ingest` raises."""
        intake, body, asked, formats = self.reading.intake, self.reading.body, self.asked, self.reading.formats
        if self.way == "file" and body.file is not None:
            return _upload(await intake.from_upload(body.file, formats=formats), asked.filename or body.filename)
        if self.way == "attachment" and body.attachment is not None:
            return _upload(await intake.from_upload(body.attachment, formats=formats), asked.filename or "")
        if self.ours is not None:
            picture = await copied(self.reading.parts.storage, intake, self.ours)
            return _upload(picture, asked.filename or self.ours.filename)
        found = await intake.from_url(self.url, formats=formats)
        return _upload(found.picture, asked.filename or found.filename, self.url, found.validators)


@asynccontextmanager
async def reading(
    request: Request, parts: Parts, owner: Owner, *, max_image_bytes: int | None = None
) -> AsyncIterator[Reading]:
    """Reads a body in the forms that the dialect accepts, and removes its files when the block ends.

    Raises what `ingest.intake` and `uploads.read` raise.
    """
    max_bytes = max_image_bytes or parts.max_image_bytes
    dialect = dialect_of(request.scope)
    attachment = dialect.attachment
    async with parts.ingest.intake(owner) as intake:
        if attachment is None:
            body = await uploads.read_form_body(request, intake, max_image_bytes=max_bytes)
        else:
            try:
                body = await uploads.read(
                    request, intake, attachment, max_image_bytes=max_bytes, max_json_bytes=parts.max_json_bytes
                )
            except LongTexts as error:
                raise misnamed_long(error, attachment) from None
        formats = parts.input_formats or dialect.formats or readable()
        yield Reading(parts, intake, body, formats, attachment)


async def created(
    request: Request,
    parts: Parts,
    store_id: int,
    parse: Callable[[Submission], AskedT],
    make: Callable[[AskedT, Offer, Once[Any] | None], Awaitable[Image]],
    show: Callable[[Image], Response],
    *,
    key: str | None = None,
    max_image_bytes: int | None = None,
    owner: Owner | None = None,
    later: Callable[[AskedT, Offer], NewJob] | None = None,
) -> Response:
    """Create an image from a request, once for each `Idempotency-Key`, and answer it.

    `parse` parses the body, `make` makes the image and stores its answer, `show` makes the answer. `key` replaces the
    one in the head, `owner` the store. `later` makes a job for a `src` to fetch, for clients that prefer an immediate
    answer. Raises `NothingGiven`, what these functions raise, and what `reading` and `IdempotencyKeys.attempt` raise.
    """
    key = key or key_of(request)
    async with reading(request, parts, owner or Owner(store_id), max_image_bytes=max_image_bytes) as read:
        asked = parse(read.body)

        def answer(made: Image | NewJob) -> Response:
            return asynchronous.accepted(parts, made) if isinstance(made, NewJob) else show(made)

        async with idempotent(request, parts, store_id, key, asked.said, read.body, answer) as run:
            if run.answered is not None:
                return run.answered
            offer = await read.offer(store_id, asked)
            if offer.way is None:
                raise misnamed(read.body, read.attachment) or NothingGiven("src" if read.attachment else "file")
            if later is not None and offer.is_fetched and asynchronous.wanted(request):
                job = later(asked, offer)
                await asynchronous.make(parts, job, run.once)
                return answer(job)
            image = await make(asked, offer, run.once)
            if offer.way == "image_id":
                read.intake.assigns()
    return show(image)


def _upload(
    picture: Picture, filename: str, source_url: str | None = None, validators: Validators | None = None
) -> Upload:
    return Upload(picture, clean_filename(filename, picture.format), source_url, validators)
