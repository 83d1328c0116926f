"""`Allow`, as a 405 must list it (RFC 9110, 15.5.6): every method of a path, though each has a route of its own."""

import re
from collections.abc import Mapping
from typing import Any

METHODS = {"get", "put", "post", "delete", "patch"}  # that we have, among what else a path may hold there


def allowed_methods(document: Mapping[str, Any], path: str, known: str = "") -> str:
    """By the API's description (OpenAPI), beside those `known` already; in no order that means anything."""
    methods = {method.strip() for method in known.split(",") if method.strip()}
    for template, operations in document["paths"].items():
        if re.fullmatch(_pattern(template), path):
            methods |= {method.upper() for method in operations if method in METHODS}
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))


def _pattern(template: str) -> str:
    """`/stores/{path}` goes on over slashes; an id does not."""
    parts = re.split(r"\{(\w+)\}", template)
    return "".join(
        re.escape(part) if index % 2 == 0 else (".+" if part == "path" else "[^/]+") for index, part in enumerate(parts)
    )
