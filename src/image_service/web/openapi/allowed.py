"""`Allow`, as a 405 must list it (RFC 9110, 15.5.6): every method of a path, though each has a route of its own."""

import re
from collections.abc import Mapping
from typing import Any

METHODS = {"get", "put", "post", "delete", "patch"}  # that we have, among what else a path may hold there


def allowed_methods(document: Mapping[str, Any], path: str, known: str = "") -> str:
    """By the API's description (OpenAPI), beside those `known` already; in no order that means anything. Of the
    templates that fit, those count that leave the least open: `/images/count.json` is no image.
    """
    methods = {method.strip() for method in known.split(",") if method.strip()}
    fitting = [template for template in document["paths"] if re.fullmatch(_pattern(template), path)]
    least = min((template.count("{") for template in fitting), default=0)
    for template in fitting:
        if template.count("{") == least:
            methods |= {method.upper() for method in document["paths"][template] if method in METHODS}
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))


def _pattern(template: str) -> str:
    """`/stores/{path}` goes on over slashes; an id does not."""
    parts = re.split(r"\{(\w+)\}", template)
    return "".join(
        re.escape(part) if index % 2 == 0 else (".+" if part == "path" else "[^/]+") for index, part in enumerate(parts)
    )
