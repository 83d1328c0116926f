"""A product's list: what shop fronts and connectors ask for most, by far.

`tiendanube.list_images` is its route, described and with every filter. `ListsAhead` gives the same answer before the
framework hears of it, to whoever filters nothing: solving the route's dependencies takes longer than all the rest.
"""

import re
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from image_service.database.sessions import Database
from image_service.dialects.tiendanube.answers import finished, view_of
from image_service.errors import ImageNotFound, ImageServiceError
from image_service.images import queries
from image_service.images.queries import Image
from image_service.stores.tokens import Caller
from image_service.telemetry import metrics
from image_service.web.answers import Answer
from image_service.web.dependencies import MAX_ID, Parts, caller_of
from image_service.web.kept_answers import KeptAnswers
from image_service.web.pagination import DEFAULT_PER_PAGE, MAX_PER_PAGE, Pagination

KEPT_BYTES = 32 * 1024 * 1024  # some 9,000 lists of 30 images
KEPT, READ = "kept", "read"  # where a list came from
for _source in (KEPT, READ):
    metrics.LISTS.labels(_source)

PATH = "/products/{product_id}/images"

_ID = r"[1-9][0-9]{0,18}"
_PATH = re.compile(rf"(?:/(?:v1|2025-03)/(?P<store_id>{_ID}))?/products/(?P<product_id>{_ID})/images", re.ASCII)
_PARAMETERS = {
    b"page": re.compile(rb"[1-9][0-9]{0,5}"),
    b"per_page": re.compile(rb"[1-9][0-9]{0,5}"),
    b"fields": re.compile(rb"[a-z0-9_,]{1,200}"),
}
_ROUTE = SimpleNamespace(path_format=PATH)  # what logs and metrics look for


async def listed(
    request: Request,
    parts: Parts,
    caller: Caller,
    product_id: int,
    paging: Pagination,
    fields: str | None,
    chosen: Callable[[Sequence[Image]], Sequence[Image]],
) -> Response:
    """`chosen` picks and orders those of the gallery that are listed."""
    gallery = await queries.gallery(parts.database, caller.store_id, product_id)
    return _shown(request, parts, gallery.revision, chosen(gallery.images), paging, fields).to(request)


def _shown(
    request: Request, parts: Parts, revision: int, images: Sequence[Image], paging: Pagination, fields: str | None
) -> Answer:
    view = view_of(request, parts, fields)
    page = images[paging.offset : paging.offset + paging.per_page]
    headers = paging.headers(request, parts.api_base, len(images))
    return finished(request, view, revision, [view.of(image) for image in page], headers=headers)


class ListsAhead:
    def __init__(self, app: ASGIApp, render: Callable[[Request, Exception], Response]) -> None:
        """`render` words an error in the dialect of the request's path."""
        self._app = app
        self._render = render
        self._kept = KeptAnswers(KEPT_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = _asked(scope)
        if asked is None:
            await self._app(scope, receive, send)
            return
        ids, paging, fields = asked
        scope["route"], scope["path_params"] = _ROUTE, ids
        request = Request(scope, receive)
        parts: Parts = scope["app"].state.parts
        revision: int | None = None

        async def find(database: Database, token: str) -> Caller | None:
            nonlocal revision
            found = await queries.revision_of_token(database, token, ids["product_id"])
            if found is None:
                return None
            caller, revision = found
            return caller

        try:
            caller = await caller_of(request, parts, find)
            if ids.get("store_id", caller.store_id) != caller.store_id:
                raise ImageNotFound
            key = (caller.store_id, scope["path"], scope["query_string"])
            shown = None if revision is None else self._kept.find(key, revision)
            metrics.LISTS.labels(KEPT if shown else READ).inc()
            if shown is None:
                gallery = await queries.gallery(parts.database, caller.store_id, ids["product_id"])
                shown = _shown(request, parts, gallery.revision, gallery.images, paging, fields)
                self._kept.keep(key, gallery.revision, shown)
            response = shown.to(request)
        except ImageServiceError as error:
            response = self._render(request, error)
        await response(scope, receive, send)


def _asked(scope: Scope) -> tuple[dict[str, int], Pagination, str | None] | None:
    """The ids in the path, the page and the fields that are asked for; None: the framework shall look at it."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    match = _PATH.fullmatch(scope["path"])
    if match is None or scope["raw_path"] != scope["path"].encode():
        return None
    ids = {name: int(digits) for name, digits in match.groupdict().items() if digits}
    given = _parameters(scope["query_string"])
    if given is None or max(ids.values()) > MAX_ID:
        return None
    paging = Pagination(int(given.get(b"page", 1)), min(int(given.get(b"per_page", DEFAULT_PER_PAGE)), MAX_PER_PAGE))
    return ids, paging, given[b"fields"].decode() if b"fields" in given else None


def _parameters(query: bytes) -> dict[bytes, Any] | None:
    """None: others than the plain ones, or one of them twice."""
    given: dict[bytes, Any] = {}
    for each in query.split(b"&") if query else ():
        name, _, value = each.partition(b"=")
        if name in given or name not in _PARAMETERS or not _PARAMETERS[name].fullmatch(value):
            return None
        given[name] = value
    return given
