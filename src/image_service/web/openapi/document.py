"""The OpenAPI document: FastAPI's, plus what it cannot know."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Protocol

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from image_service.web.access.credentials import STANDARD, Scheme
from image_service.web.dialect import Dialect, Dialects
from image_service.web.openapi.components import collect, complete
from image_service.web.openapi.plain import make_plain
from image_service.web.openapi.routes import describe_answers

DESCRIPTION = """\
Product photos: the service accepts them by upload, base64 or URL, checks them, keeps their order, and serves all sizes.

* {dialects} are the APIs of those platforms: their clients need only a new host name. All share the
  same stores, tokens and images.
* **Uploads** are tickets for front-ends: a browser or phone posts files to a signed URL, and never holds a token.
* **Delivery** is public, and may be cached for ever: the bytes of a picture's URL never change.

All calls need a store's token, except for *Delivery*, *Operations* and uploads by ticket. Each call lists the
schemes that it accepts. A read token may only read. Every answer has an `X-Request-Id`: quote it when you report a
problem. If you send one, the answer repeats it. (Under a prefix with a store id, answers have one only if the request
has.) Every error of these calls has a `Problem`: a stable name, the same in every dialect.

An unknown path or method is answered with 404 or 405, in the format of the dialect that it resembles. So are
violations of HTTP: 400, 415 for a `Content-Encoding`, 431 for too many header fields.
"""

LICENCE = {"name": "MIT", "identifier": "MIT"}
# Relative to the document's URL: works behind any host or prefix, and the page at /docs may connect to it. The same
# for every installation, so `image-service openapi` needs none.
SERVERS: list[dict[str, Any]] = [{"url": ".", "description": "The service that this document comes from."}]
# Also relative.
GUIDES = {"url": "guides/", "description": "Guides"}


class Described(Protocol):
    """Operations without a FastAPI route, all open to everyone."""

    @property
    def PATHS(self) -> Mapping[str, Any]: ...  # noqa: N802 - a module's constant
    @property
    def TAGS(self) -> Sequence[Mapping[str, Any]]: ...  # noqa: N802


def document(app: FastAPI, dialects: Sequence[Dialect], further: Described) -> dict[str, Any]:
    """Built once; the same for all callers."""
    if app.openapi_schema is None:
        app.openapi_schema = _document(app, dialects, further)
    return app.openapi_schema


def _document(app: FastAPI, dialects: Sequence[Dialect], further: Described) -> dict[str, Any]:
    open_tags = {tag["name"] for tag in further.TAGS}
    open_tags |= {tag["name"] for each in dialects if not each.credentials for tag in each.tags}
    schemes = {name: kind for each in dialects for way in each.credentials for name, kind in way.described.items()}
    by_operation = Dialects(dialects)
    describe_answers(app.routes)
    *others, last = [f"**{each.title}**" for each in reversed(dialects) if each.title]
    found = get_openapi(
        title=app.title,
        version=app.version,
        summary="The product-image backend of a shop platform.",
        description=DESCRIPTION.format(dialects=f"{', '.join(others)} and {last}"),
        license_info=LICENCE,
        servers=SERVERS,
        routes=app.routes,
    )
    # Set here: FastAPI's model accepts no relative URL.
    found["tags"] = [dict(tag) for tag in (*(tag for each in dialects for tag in each.tags), *further.TAGS)]
    components = found.setdefault("components", {})
    components["securitySchemes"] = schemes
    for unused in ("HTTPValidationError", "ValidationError"):
        components.get("schemas", {}).pop(unused, None)
    found["security"] = _security(STANDARD)
    found["externalDocs"] = GUIDES
    _put_examples_back(found, app)
    found["paths"] |= deepcopy(dict(further.PATHS))
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            is_open = bool(open_tags.intersection(operation["tags"]))
            _correct(path, operation, is_open=is_open)
            dialect = by_operation.of(path, method.upper())
            if not is_open and dialect.credentials != STANDARD and "security" not in operation:
                operation["security"] = _security(dialect.credentials)
            complete(path, method, operation, {} if is_open else dialect.rates.described, is_open=is_open)
    for place in (components["schemas"], found["paths"]):
        _drop_titles(place)
    collect(found)
    make_plain(found)
    return found


def _security(credentials: Sequence[Scheme]) -> list[dict[str, list[str]]]:
    return [{name: []} for scheme in credentials for name in scheme.described]


def _put_examples_back(found: dict[str, Any], app: FastAPI) -> None:
    """Restore the nulls that FastAPI drops from examples."""
    for route in iter_route_contexts(app.routes):
        operations = found["paths"].get(route.path_format, {})
        for method in route.methods or ():
            described = operations.get(method.lower(), {}).get("responses", {})
            for status, response in route.responses.items() if described else ():
                for media, content in response.get("content", {}).items():
                    kept = {key: deepcopy(content[key]) for key in ("example", "examples") if key in content}
                    described[str(status)]["content"][media].update(kept)


def _correct(path: str, operation: dict[str, Any], *, is_open: bool) -> None:
    if is_open:
        operation["security"] = []
    responses = operation["responses"]
    # FastAPI's own 422 is never sent: an invalid path is a 404, and other errors have the service's shape.
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    if "{" not in path:
        responses.pop("404", None)  # nothing in the path can be unknown
    for parameter in operation.get("parameters", []):
        kinds = [kind for kind in parameter["schema"].pop("anyOf", []) if kind != {"type": "null"}]
        if kinds:  # a query omits a null
            (only,) = kinds
            parameter["schema"].update(only)
        parameter["schema"].pop("description", None)  # the parameter has it already
        if parameter["in"] == "path" and "examples" in parameter["schema"]:
            # Pages prefill forms from `example`; other parameters should stay empty.
            parameter["example"] = parameter["schema"].pop("examples")[0]


def _drop_titles(place: Any) -> None:
    """Drop the titles that only repeat the name of their field."""
    if isinstance(place, dict):
        if isinstance(place.get("title"), str) and ({"type", "anyOf", "$ref"} & place.keys()):
            del place["title"]
        for key, value in place.items():
            if key not in ("example", "examples"):
                _drop_titles(value)
    elif isinstance(place, list):
        for value in place:
            _drop_titles(value)
