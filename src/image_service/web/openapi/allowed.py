"""`Allow` for a 405 (RFC 9110, 15.5.6): every method of a path, although each has its own route."""

import re
from collections.abc import Mapping
from typing import Any

METHODS = {"get", "put", "post", "delete", "patch"}  # a path item has other keys too


def allowed_methods(document: Mapping[str, Any], path: str, known: str = "") -> str:
    """The methods in the OpenAPI document, and those in `known`; the order has no meaning. Of the matching templates,
    those with the fewest parameters count: `/images/count.json` is not an image.
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
    """`{path}` matches slashes; other parameters do not."""
    parts = re.split(r"\{(\w+)\}", template)
    return "".join(
        re.escape(part) if index % 2 == 0 else (".+" if part == "path" else "[^/]+") for index, part in enumerate(parts)
    )
