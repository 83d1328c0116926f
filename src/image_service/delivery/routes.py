"""Public bytes: every offered size of every live image, at a URL that names them for ever."""

import re
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from image_service.errors import (
    BlobNotFound,
    Busy,
    DatabaseUnavailable,
    ImageServiceError,
    RangeNotSatisfiable,
    StorageFull,
    StorageUnavailable,
    VariantNotDrawn,
)
from image_service.images.variants import CACHE_FOR_EVER
from image_service.pixels.picture import Format
from image_service.storage.base import Blob, ByteRange
from image_service.storage.names import VariantName
from image_service.telemetry import metrics
from image_service.telemetry.metrics import Undelivered
from image_service.web.blob_response import blob_response
from image_service.web.dependencies import Parts, PartsOf
from image_service.web.openapi.components import CONTENT_RANGE, ETAG
from image_service.web.presence import while_there
from image_service.web.problems import REASONS, Dialect, Problem

PUBLIC = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
}
NOT_NOW = (BlobNotFound, VariantNotDrawn, DatabaseUnavailable, StorageFull, StorageUnavailable)
# A redirect may be kept for an hour only: what it leads to may be removed at any time, and is drawn again here alone.
REDIRECT_FOR = "public, max-age=3600"
NEGOTIABLE = {Format.JPG, Format.PNG}
PREFERRED = (Format.AVIF, Format.WEBP)  # smallest first
FORMATS = {str(format_): format_ for format_ in Format}
for _format in Format:
    metrics.SERVED.labels(_format)
for _format in PREFERRED:
    metrics.NEGOTIATED.labels(_format)
UNDELIVERED: dict[type[ImageServiceError], Undelivered] = {  # all others: what we stand on
    BlobNotFound: Undelivered.NOT_FOUND,
    Busy: Undelivered.BUSY,
    VariantNotDrawn: Undelivered.NOT_DRAWN,
    RangeNotSatisfiable: Undelivered.RANGE,
}

router = APIRouter(tags=["Delivery"])

OF_A_BODY = frozenset((b"accept-ranges", b"content-type", b"content-length", b"content-range"))  # headers

SERVED = "image_service.served"  # in the scope of a request: a `Served`


@dataclass(frozen=True)
class Served:
    """An answer 200, 206 or 304: the same request gets its picture next time too, while the blob is there."""

    blob: str
    etag: str
    headers: tuple[tuple[bytes, bytes], ...]  # of all three alike
    format: Format
    negotiated: bool


class DeliveryError(BaseModel):
    """Why there is no picture."""

    code: int
    message: str


def _problem(status: int, description: str, **more: Any) -> dict[str, Any]:
    example = {"code": status, "message": REASONS.get(status) or HTTPStatus(status).phrase}
    content = {"application/json": {"example": example}}
    return {"model": DeliveryError, "description": description, "content": content, **more}


_BYTES = {
    f"image/{kind}": {"schema": {"type": "string", "format": "binary"}}
    for kind in ("jpeg", "png", "gif", "webp", "avif")
}
_HEADERS = {
    **ETAG,
    "Last-Modified": {"schema": {"type": "string"}, "description": "When it was drawn."},
    "Cache-Control": {
        "schema": {"type": "string", "const": CACHE_FOR_EVER},
        "description": "What a URL names never changes.",
    },
    "Vary": {"schema": {"type": "string"}, "description": "`Accept`, where the format is negotiated."},
}


PATH = "/stores/{path:path}"
ROUTE = "/stores/{path}"  # as metrics and logs name it
_NAMED = {
    "name": "path",
    "in": "path",
    "required": True,
    "description": "`{store id, in groups of three}/products/{slug}-{key}-{width}-{height}.{format}`, its slashes as "
    "they are: take it from an image's `src` or `variants`, which are whole URLs.",
    "schema": {
        "type": "string",
        "pattern": r"^([0-9]{3}/)+products/[a-z0-9-]+-[0-9a-f]{32}-[0-9]+-[0-9]+\.(jpg|png|gif|webp|avif)$",
    },
    "example": "001/234/products/sample-83d9d29ee6d99315c7fdf4b0b6c6dbeb-640-0.jpg",
}


@router.get(
    PATH,
    operation_id="get_picture",
    summary="Get a picture",
    response_class=Response,
    responses={
        200: {"description": "The picture.", "content": _BYTES, "headers": _HEADERS},
        206: {
            "description": "The range of it that was asked for.",
            "content": _BYTES,
            "headers": {**_HEADERS, **CONTENT_RANGE},
        },
        302: {
            "description": "It is kept at `Location` (`DELIVERY_REDIRECT_URL`), which may be remembered for an hour.",
            "headers": {"Location": {"schema": {"type": "string", "format": "uri"}}, "Vary": _HEADERS["Vary"]},
        },
        304: {"description": "The client has it already.", "headers": _HEADERS},
        404: _problem(404, "Not a URL of an offered size of a live image."),
        416: _problem(416, "The range begins beyond its end.", headers=CONTENT_RANGE),
        500: _problem(500, "An error of ours; it has been logged under this answer's `X-Request-Id`."),
        503: _problem(503, "Too many pictures wait to be drawn, or the database or blob store cannot be reached."),
        507: _problem(507, "No space is left to keep it."),
    },
    openapi_extra={"parameters": [_NAMED]},
)
@router.api_route(PATH, methods=["GET", "HEAD"], include_in_schema=False)  # this one answers, `Allow` too
async def deliver(request: Request, parts: PartsOf) -> Response:
    """`stores/{store id, in groups of three}/products/{slug}-{key}-{width}-{height}.{format}`, as an image's `src`
    and `variants` give it. Drawn when first asked for; no token is needed.

    Width and height name one of the offered sizes (0: as the other side needs; `0-0`: full size). A `jpg` or
    `png` is sent as AVIF or WebP to whoever accepts that, unless the setting `NEGOTIATE_FORMATS` is off.
    `HEAD` works too. With the setting `DELIVERY_REDIRECT_URL` the answer is a redirect, to the format that was chosen.
    """
    try:
        return await _delivered(request, parts)
    except ImageServiceError as error:
        metrics.UNDELIVERED.labels(UNDELIVERED.get(type(error), Undelivered.UNAVAILABLE)).inc()
        raise


async def _delivered(request: Request, parts: Parts) -> Response:
    name = VariantName.parse(_raw_path(request))
    if name is None or name.ext not in FORMATS:
        raise BlobNotFound
    headers = {**PUBLIC, "Cache-Control": CACHE_FOR_EVER}
    candidates = [FORMATS[name.ext]]
    if parts.negotiate_formats and candidates[0] in NEGOTIABLE:
        headers["Vary"] = "Accept"
        accepted = accepted_formats(",".join(request.headers.getlist("accept")))
        if accepted:
            possible = accepted.intersection(await parts.variants.formats_of(name))
            candidates = [each for each in PREFERRED if each in possible] + candidates
    missing: ImageServiceError = BlobNotFound()
    for candidate in candidates:
        variant = replace(name, ext=str(candidate))
        try:
            if parts.delivery_redirect is None:
                opened = partial(_opened, request, parts, variant)
                response = await blob_response(request, opened, candidate.media_type, headers)
            else:
                if not await parts.variants.is_kept(variant):
                    await while_there(request, parts.variants.draw(variant))
                moved = {"Location": f"{parts.delivery_redirect}/{variant}", "Cache-Control": REDIRECT_FOR}
                response = Response(status_code=302, headers=headers | moved)
        except NOT_NOW as error:
            missing = error  # a format that cannot be had now falls back to the image's own
        else:
            metrics.SERVED.labels(candidate).inc()
            if variant != name:
                metrics.NEGOTIATED.labels(candidate).inc()
            if response.status_code != 302 and candidate is candidates[0]:  # else a better one cannot be had now
                request.scope[SERVED] = Served(
                    variant.blob,
                    response.headers["ETag"],
                    tuple(each for each in response.raw_headers if each[0] not in OF_A_BODY),
                    candidate,
                    negotiated=variant != name,
                )
            return response
    raise missing


async def _opened(request: Request, parts: Parts, variant: VariantName, byte_range: ByteRange | None) -> Blob:
    """Drawn now, if nobody has asked for it before."""
    try:
        return await parts.variants.open(variant, byte_range)
    except BlobNotFound:
        await while_there(request, parts.variants.draw(variant))
        return await parts.variants.open(variant, byte_range)


def _raw_path(request: Request) -> str:
    """As it was sent: `%31` for `1` would be a second name of the same bytes."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return raw.decode("latin-1").removeprefix("/")


_MEDIA_RANGE = re.compile(r"\s*image/(avif|webp)\s*(?:;(.*))?", re.IGNORECASE)
_REFUSED = re.compile(r"\bq\s*=\s*0(\.0{0,3})?\s*(;|$)", re.IGNORECASE)


def accepted_formats(accept: str) -> set[Format]:
    """Those that the header names (wildcards do not count: every browser sends one) and does not refuse."""
    matches = (_MEDIA_RANGE.fullmatch(part) for part in accept.split(","))
    return {Format(match[1].lower()) for match in matches if match and not _REFUSED.search(match[2] or "")}


def render(request: Request, problem: Problem) -> Response:
    body = {"code": problem.status, "message": problem.reason}
    return JSONResponse(body, problem.status, {**problem.headers, **PUBLIC, "Cache-Control": "no-store"})


DIALECT = Dialect("delivery", "/stores/", router, render)
