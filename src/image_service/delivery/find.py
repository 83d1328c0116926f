"""From a picture's URL to its bytes: chooses a format the client accepts, stored already or rendered now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from image_service.delivery.derived import ReadSize, derived
from image_service.delivery.names import PUBLIC
from image_service.errors import (
    BlobNotFound,
    Busy,
    DatabaseUnavailable,
    ImageServiceError,
    RangeNotSatisfiable,
    StorageFull,
    StorageUnavailable,
    VariantNotRendered,
)
from image_service.pixels.picture import DRAWN, NEGOTIABLE, PREFERRED, Format
from image_service.storage.base import Blob, ByteRange
from image_service.storage.names import CACHE_FOREVER, VariantName
from image_service.telemetry import metrics
from image_service.telemetry.metrics import Undelivered
from image_service.web.answers import accepted_in
from image_service.web.blob_response import blob_response
from image_service.web.disconnect import cancelled_on_disconnect
from image_service.web.parts import Parts

NOT_NOW = (BlobNotFound, VariantNotRendered, DatabaseUnavailable, StorageFull, StorageUnavailable)
# Caches keep a redirect for one hour. To the bucket: its target may be removed at any time, and only this service
# renders it again. From a derived URL: a better size may be offered later.
REDIRECT_FOR = "public, max-age=3600"
FORMATS = {str(format_): format_ for format_ in DRAWN}
for _format in DRAWN:
    metrics.SERVED.labels(_format)
for _format in PREFERRED:
    metrics.NEGOTIATED.labels(_format)
UNDELIVERED: dict[type[ImageServiceError], Undelivered] = {  # others: the database or blob store
    BlobNotFound: Undelivered.NOT_FOUND,
    Busy: Undelivered.BUSY,
    VariantNotRendered: Undelivered.NOT_DRAWN,
    RangeNotSatisfiable: Undelivered.RANGE,
}

OF_A_BODY = frozenset((b"accept-ranges", b"content-type", b"content-length", b"content-range"))  # headers


@dataclass(frozen=True)
class Served:
    """A 200, 206 or 304 answer that can be repeated for the same request, while the blob exists."""

    blob: str
    etag: str
    headers: tuple[tuple[bytes, bytes], ...]  # the same for all three
    format: Format
    negotiated: bool


async def find(request: Request, parts: Parts, readers: Sequence[ReadSize] = ()) -> tuple[Response, Served | None]:
    """The answer, and its part that may be cached. `readers` parse sizes that clients put into URLs themselves.

    Raises what `Variants` raises.
    """
    try:
        return await _delivered(request, parts, readers)
    except ImageServiceError as error:
        metrics.UNDELIVERED.labels(UNDELIVERED.get(type(error), Undelivered.UNAVAILABLE)).inc()
        raise


async def _delivered(request: Request, parts: Parts, readers: Sequence[ReadSize]) -> tuple[Response, Served | None]:
    path = request.scope["raw_path"].decode("latin-1").removeprefix("/")
    name = VariantName.parse(path)
    if name is None and (meant := derived(path, parts.offer.sizes, readers)) is not None:
        return _redirect(f"{parts.delivery_base}/{meant}", PUBLIC), None
    if name is None or name.ext not in FORMATS:
        raise BlobNotFound
    headers = {**PUBLIC, "Cache-Control": CACHE_FOREVER}
    candidates, is_best = [FORMATS[name.ext]], True
    if parts.negotiate_formats and candidates[0] in NEGOTIABLE:
        headers["Vary"] = "Accept"
        candidates, is_best = await _candidates(request, parts, name)
    missing: ImageServiceError = BlobNotFound()
    for candidate in candidates:
        variant = name.as_(candidate)
        try:
            response = await _answer(request, parts, variant, headers)
        except NOT_NOW as error:
            missing = error  # if a format is unavailable now, fall back to the image's own
            is_best = False
            continue
        metrics.SERVED.labels(candidate).inc()
        if variant != name:
            metrics.NEGOTIATED.labels(candidate).inc()
        if response.status_code == 302 or not is_best:
            return response, None
        headers_of_all = tuple(each for each in response.raw_headers if each[0] not in OF_A_BODY)
        return response, Served(variant.blob, response.headers["ETag"], headers_of_all, candidate, variant != name)
    raise missing


async def _candidates(request: Request, parts: Parts, name: VariantName) -> tuple[list[Format], bool]:
    """Formats to try, and True: the lightest, rendered if need be, then the URL's. If the lightest is unavailable
    now: all others, and False.
    """
    own = FORMATS[name.ext]
    accepted = accepted_in(",".join(request.headers.getlist("accept")))  # every browser's has wildcards: ignored
    preferred = [each for each in PREFERRED if each.media_type in accepted]
    if preferred:
        possible = await parts.variants.formats_of(name)
        preferred = [each for each in preferred if each in possible]
    if not preferred:
        return [own], True
    others: tuple[Format, ...] = (*preferred, own)
    try:
        lightest, others = await parts.variants.lightest(name, preferred)
        if others:
            lightest = await cancelled_on_disconnect(request, parts.variants.render(lightest, others))
    except NOT_NOW:
        return list(others), False
    return list(dict.fromkeys((FORMATS[lightest.ext], own))), True


async def _answer(request: Request, parts: Parts, variant: VariantName, headers: Mapping[str, str]) -> Response:
    """The variant, or a redirect to it in the bucket; rendered first if it is not stored."""
    if parts.delivery_redirect is None:
        opened = partial(_opened, request, parts, variant)
        return await blob_response(request, opened, FORMATS[variant.ext].media_type, headers)
    if not await parts.variants.is_kept(variant):
        await cancelled_on_disconnect(request, parts.variants.render(variant))
    return _redirect(f"{parts.delivery_redirect}/{variant}", headers)


def _redirect(url: str, headers: Mapping[str, str]) -> Response:
    return Response(status_code=302, headers={**headers, "Location": url, "Cache-Control": REDIRECT_FOR})


async def _opened(request: Request, parts: Parts, variant: VariantName, byte_range: ByteRange | None) -> Blob:
    """Open the variant; render it first if this is the first request for it."""
    try:
        return await parts.variants.open(variant, byte_range)
    except BlobNotFound:
        await cancelled_on_disconnect(request, parts.variants.render(variant))
        return await parts.variants.open(variant, byte_range)
