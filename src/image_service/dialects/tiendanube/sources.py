"""The picture that the body of a create or an update gives, by whichever of its ways."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import httpx

from image_service.dialects.tiendanube.schemas import ImageInput
from image_service.errors import InvalidField, PictureRefused, Refusal
from image_service.images import queries
from image_service.images.blobs import open_original
from image_service.images.library import Upload
from image_service.images.queries import Image
from image_service.ingest.sources import Intake
from image_service.pixels.picture import Picture
from image_service.storage.names import VariantName
from image_service.telemetry.metrics import Source
from image_service.web.bodies.filenames import clean_filename
from image_service.web.bodies.uploads import Submission
from image_service.web.dependencies import Parts

_SCHEMES = ("http", "https")
MAX_URL = 2048  # characters, as for one that is fetched


@dataclass(frozen=True)
class Given:
    """One source at the most, and the input that it came with."""

    fields: ImageInput
    body: Submission
    ours: Image | None  # the image of this store that `src` names

    @property
    def names(self) -> list[str]:
        given = {
            # A form in a browser sends an empty file where none was chosen.
            "file": self.body.file is not None and bool(self.body.file.bytes or self.body.filename),
            "attachment": self.body.attachment is not None,
            "src": bool(self.fields.src),
            "image_id": self.fields.image_id is not None,
        }
        return [name for name, is_given in given.items() if is_given]


async def resolve(parts: Parts, store_id: int, fields: ImageInput, body: Submission) -> Given:
    """Look up a `src` that is a URL of our own, which is never fetched.

    Raises `PictureRefused` (`src`) if it is not one of this store's live images.
    """
    name = _own_path(fields.src or "", parts.delivery_base)
    if name is None:
        return Given(fields, body, None)
    variant = VariantName.parse(name)
    image = (
        await queries.image_by_key(parts.database, store_id, variant.key)
        if variant and variant.store_id == store_id
        else None
    )
    if image is None:
        raise PictureRefused("src", Refusal.NOT_FETCHED, detail="no live image of this store")
    return Given(fields, body, image)


def require_one(names: list[str]) -> None:
    """Raises `InvalidField` if a picture is given in two ways."""
    if len(names) > 1:
        raise InvalidField(names[0], f"can't be given together with {names[1]}")


async def upload_from(parts: Parts, intake: Intake, given: Given, way: str) -> Upload:
    """Check the picture. Raises what `ingest` raises."""
    fields = given.fields
    if way == "file" and given.body.file is not None:
        picture = await intake.from_upload(given.body.file)
        return _upload(picture, fields.filename or given.body.filename)
    if way == "attachment" and given.body.attachment is not None:
        return _upload(await intake.from_upload(given.body.attachment), fields.filename or "")
    if given.ours is not None:
        return _upload(await _copied(parts, intake, given.ours), fields.filename or given.ours.filename)
    url = (fields.src or "").strip()
    picture = await intake.from_url(url)
    return _upload(picture, fields.filename or unquote(urlsplit(url).path), url)


def _upload(picture: Picture, filename: str, source_url: str | None = None) -> Upload:
    return Upload(picture, clean_filename(filename, picture.format), source_url)


async def _copied(parts: Parts, intake: Intake, image: Image) -> Picture:
    """Its own bytes under a new key: no two images share any. Its format was taken once, and so is again."""
    received = await intake.receiver("src")
    blob = await open_original(parts.storage, image)
    try:
        async for chunk in blob.chunks:
            await received.write(chunk)
    finally:
        await blob.aclose()
    return await intake.from_upload(received, Source.COPY, also=image.format)


def _own_path(src: str, delivery_base: str) -> str | None:
    """The part of `src` below `DELIVERY_URL`; None if it is not below it. Either scheme is ours.

    Read as the fetch would read it (dot segments, a dot behind the host), so that no spelling is fetched after all.
    """
    if len(src) > MAX_URL:
        return None
    try:
        url, base = httpx.URL(src.strip()), httpx.URL(delivery_base)
        same_host = (url.host.rstrip("."), url.port) == (base.host.rstrip("."), base.port)
    except (httpx.InvalidURL, ValueError, UnicodeError):
        return None
    prefix, path = base.path.rstrip("/") + "/", url.path or "/"
    if url.scheme not in _SCHEMES or not same_host or not f"{path}/".startswith(prefix):
        return None
    return path.removeprefix(prefix)
