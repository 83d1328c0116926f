"""`Allow` for a 405 (RFC 9110, 15.5.6): every method of a path, although each has its own route."""

import re
from collections.abc import Mapping, Sequence, Set
from typing import Any

from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute

METHODS = {"get", "put", "post", "delete", "patch"}  # a path item has other keys too


def described_methods(routes: Sequence[BaseRoute], further: Mapping[str, Any]) -> dict[str, set[str]]:
    """By path template, of all that the OpenAPI document describes: `routes`, and the path items `further`."""
    found = {path: {name.upper() for name in METHODS & item.keys()} for path, item in further.items()}
    for route in iter_route_contexts(routes):
        if isinstance(route.original_route, APIRoute) and route.include_in_schema:
            found.setdefault(route.path_format or "", set()).update(route.methods or ())
    return found


def allowed_methods(described: Mapping[str, Set[str]], path: str, known: str = "") -> str:
    """The methods that are `described`, and those in `known`; the order has no meaning. Of the matching templates,
    those with the fewest parameters count: `/images/count.json` is not an image.
    """
    methods = {method.strip() for method in known.split(",") if method.strip()}
    fitting = [template for template in described if re.fullmatch(_pattern(template), path)]
    least = min((template.count("{") for template in fitting), default=0)
    for template in fitting:
        if template.count("{") == least:
            methods |= described[template]
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))


def _pattern(template: str) -> str:
    """`{path}` matches slashes; other parameters do not."""
    parts = re.split(r"\{(\w+)\}", template)
    return "".join(
        re.escape(part) if index % 2 == 0 else (".+" if part == "path" else "[^/]+") for index, part in enumerate(parts)
    )
