"""`Allow` for a 405 (RFC 9110, 15.5.6): every method of a path, although each has its own route."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute, compile_path

METHODS = {"get", "put", "post", "delete", "patch"}  # a path item has other keys too


class AllowedMethods:
    """By path template, of all that the OpenAPI document describes."""

    def __init__(self, routes: Sequence[BaseRoute], further: Mapping[str, Any]) -> None:
        """`further`: OpenAPI path items that are not routes. Their parameter `{path}` also matches slashes."""
        self._described: dict[str, tuple[re.Pattern[str], set[str]]] = {}
        for path, item in further.items():
            pattern, _, _ = compile_path(path.replace("{path}", "{path:path}"))
            self._described[path] = pattern, {name.upper() for name in METHODS & item.keys()}
        for route in iter_route_contexts(routes):
            if isinstance(route.original_route, APIRoute) and route.include_in_schema:
                _, methods = self._described.setdefault(route.path_format or "", (route.path_regex, set()))
                methods |= route.methods or set()

    def of(self, path: str, known: str = "") -> str:
        """The methods that are described, and those in `known`; the order has no meaning. Of the matching templates,
        those with the fewest parameters count: `/images/count.json` is not an image.
        """
        methods = {method.strip() for method in known.split(",") if method.strip()}
        found = [
            (template.count("{"), described)
            for template, (pattern, described) in self._described.items()
            if pattern.match(path)
        ]
        least = min((parameters for parameters, _ in found), default=0)
        methods = methods.union(*(described for parameters, described in found if parameters == least))
        if "GET" in methods:
            methods.add("HEAD")
        return ", ".join(sorted(methods))
