"""A product's image list, by far the most frequent request of shop fronts and connectors."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from image_service.database.database import Database
from image_service.dialects.tiendanube.answers import view_of
from image_service.errors import ImageNotFound
from image_service.images import queries
from image_service.images.queries import Image
from image_service.stores.tokens import Caller
from image_service.telemetry import metrics
from image_service.web.access.callers import caller_of
from image_service.web.answers import Answer
from image_service.web.images.answers import finished
from image_service.web.numbers import id_of
from image_service.web.pagination import DEFAULT_PER_PAGE, MAX_PER_PAGE, Pagination
from image_service.web.parts import Parts

KEPT, READ = "kept", "read"  # where a list came from
for _source in (KEPT, READ):
    metrics.LISTS.labels(_source)

_PARAMETERS = {
    b"page": re.compile(rb"[1-9][0-9]{0,5}"),
    b"per_page": re.compile(rb"[1-9][0-9]{0,5}"),
    b"fields": re.compile(rb"[a-z0-9_,]{1,200}"),
}


async def listed(
    request: Request,
    parts: Parts,
    caller: Caller,
    product_id: int,
    paging: Pagination,
    fields: str | None,
    chosen: Callable[[Sequence[Image]], Sequence[Image]],
) -> Response:
    """`chosen` selects and orders the gallery's images."""
    gallery = await queries.gallery(parts.database, caller.store_id, product_id)
    return _shown(request, parts, caller, gallery.revision, chosen(gallery.images), paging, fields).to(request)


async def unfiltered(request: Request) -> Response | None:
    """The unfiltered list, from the cache if the gallery has not changed. One query finds the token's store and the
    gallery's revision. None: the route's own function responds.
    """
    product_id, own = id_of(request.path_params["product_id"]), request.path_params.get("store_id")
    given = _parameters(request.scope["query_string"])
    if product_id is None or given is None:
        return None
    parts: Parts = request.app.state.parts
    paging = Pagination(int(given.get(b"page", 1)), min(int(given.get(b"per_page", DEFAULT_PER_PAGE)), MAX_PER_PAGE))
    fields = given[b"fields"].decode() if b"fields" in given else None
    revision: int | None = None

    async def find(database: Database, token: str) -> Caller | None:
        nonlocal revision
        found = await queries.revision_of_token(database, token, product_id)
        if found is None:
            return None
        caller, revision = found
        return caller

    caller = await caller_of(request, parts, find)
    if own is not None and own != str(caller.store_id):
        raise ImageNotFound
    key = (caller.store_id, caller.language, request.scope["path"], request.scope["query_string"])
    shown = None if revision is None else parts.lists.find(key, revision)
    metrics.LISTS.labels(KEPT if shown else READ).inc()
    if shown is None:
        gallery = await queries.gallery(parts.database, caller.store_id, product_id)
        shown = _shown(request, parts, caller, gallery.revision, gallery.images, paging, fields)
        if revision is not None:  # None if the request has no token: then the cache is never read
            parts.lists.keep(key, gallery.revision, shown)
    return shown.to(request)


def _shown(
    request: Request,
    parts: Parts,
    caller: Caller,
    revision: int,
    images: Sequence[Image],
    paging: Pagination,
    fields: str | None,
) -> Answer:
    view = view_of(request, parts, caller, fields)
    page = images[paging.offset : paging.offset + paging.per_page]
    headers = paging.headers(request, parts.api_base, len(images))
    return finished(request, view, revision, [view.of(image) for image in page], headers=headers)


def _parameters(query: bytes) -> dict[bytes, Any] | None:
    """The parameters of a query; None if there are unknown, malformed or repeated ones."""
    given: dict[bytes, Any] = {}
    for each in query.split(b"&") if query else ():
        name, _, value = each.partition(b"=")
        if name in given or name not in _PARAMETERS or not _PARAMETERS[name].fullmatch(value):
            return None
        given[name] = value
    return given
