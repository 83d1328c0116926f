"""Parts of the OpenAPI document that many routes share: described once, referenced by name.

A route uses `shared("Name", …)` to describe a response, a header, a parameter or a body's schema. The document then
has it once, under `components`, and a generated client has one type for it.
"""

import json
from collections.abc import Mapping
from typing import Any

MAX_KEY = 255  # characters of an Idempotency-Key; a UUID has 36
MARK = "x-component"  # set by `shared`, removed from the finished document


def shared(name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Mark `value` as a component of this name. Two different values under one name are a bug."""
    return {**value, MARK: name}


# --- headers, described the same for every route ---

REQUEST_ID = shared(
    "XRequestId",
    {
        "description": "The request's id in the service's log: quote it when you report a problem.",
        "schema": {"type": "string", "examples": ["8f2b6c0e4d1a4f6f9d3c5b7a9e1f2d3c"]},
    },
)
PROBLEM = shared(
    "Problem",
    {
        "description": "A stable name of the error, for programs.",
        "schema": {"type": "string", "pattern": "^[a-z_]+$", "examples": ["too_many_pixels"]},
    },
)
RETRY_AFTER = shared(
    "RetryAfter", {"description": "Seconds to wait before trying again.", "schema": {"type": "integer", "minimum": 1}}
)
RETRIED = {"409", "429", "503"}
RATE_LIMIT = {
    f"X-Rate-Limit-{name}": shared(
        f"XRateLimit{name}", {"description": description, "schema": {"type": "integer", "minimum": 0}}
    )
    for name, description in {
        "Limit": "Calls that the store's bucket holds. Like the next two only where rate limits are on.",
        "Remaining": "Calls that would fit into it now.",
        "Reset": "Milliseconds until it is empty.",
    }.items()
}
CHALLENGE = {
    "WWW-Authenticate": shared("WWWAuthenticate", {"description": "How to authenticate.", "schema": {"type": "string"}})
}
CONTENT_RANGE = {
    "Content-Range": shared(
        "ContentRange",
        {
            "description": "The range of bytes, and their total number.",
            "schema": {"type": "string", "examples": ["bytes 0-1023/146515", "bytes */146515"]},
        },
    )
}
_TAG = {"type": "string", "examples": ['"7-5f0f6e9b1c2d"']}
ETAG = {
    "ETag": shared(
        "ETag",
        {
            "description": "The version shown: send it as `If-None-Match` to get a 304 until it changes, or with a "
            "write as `If-Match` to get a 412 if another client changed it first.",
            "schema": _TAG,
        },
    )
}

# --- request headers, derived from a route's statuses ---

IDEMPOTENCY_KEY = shared(
    "IdempotencyKey",
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Anything unique, such as a UUID. Repeat a request with the same key for as long as you do not "
        "know how it ended: it is done once, and for 24 hours every repeat gets the first answer.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[ -~]+$"},  # printable ASCII
    },
)

_CONDITIONS = {
    "304": shared(
        "IfNoneMatch",
        {
            "name": "If-None-Match",
            "in": "header",
            "description": "The `ETag` of an earlier answer: 304 if nothing has changed since.",
            "schema": _TAG,
        },
    ),
    "412": shared(
        "IfMatch",
        {
            "name": "If-Match",
            "in": "header",
            "description": "The `ETag` of any view of the gallery: 412 if it has been changed since.",
            "schema": _TAG,
        },
    ),
    "206": shared(
        "Range",
        {
            "name": "Range",
            "in": "header",
            "description": "Part of the bytes: 206.",
            "schema": {"type": "string", "examples": ["bytes=0-1023"]},
        },
    ),
}


def complete(path: str, method: str, operation: dict[str, Any], rates: Mapping[str, Any], *, is_open: bool) -> None:
    """Add the derived parts: the request's id, error names, `Retry-After` unless the route has its own, the headers
    `rates`, `Idempotency-Key`, and the request headers for 206, 304 and 412.

    An operation that `is_open` to all has no `Problem` and no `Idempotency-Key`.
    """
    responses = operation["responses"] = dict(sorted(operation["responses"].items()))
    for status, response in responses.items():
        headers = response.setdefault("headers", {})
        headers["X-Request-Id"] = REQUEST_ID
        if status >= "400" and not is_open:
            headers["Problem"] = PROBLEM
        if status in RETRIED and "Operations" not in operation["tags"]:
            headers.setdefault("Retry-After", RETRY_AFTER)
        if status != "401":  # sent before the store, and so its bucket, is known
            headers.update(rates)
    parameters = operation.get("parameters", [])
    parameters += [parameter for status, parameter in _CONDITIONS.items() if status in responses]
    if method == "post" and not is_open:
        parameters.append(IDEMPOTENCY_KEY)
    if parameters:
        in_path = [each["name"] for each in parameters if each["in"] == "path"]
        in_path.sort(key=lambda name: path.index(f"{{{name}}}"))
        operation["parameters"] = sorted(parameters, key=lambda each: _rank(each, in_path))


def _rank(parameter: Mapping[str, Any], in_path: list[str]) -> int:
    """In a request's order: the path from left to right, then the query, then the headers."""
    name, place = parameter["name"], parameter["in"]
    return in_path.index(name) if place == "path" else len(in_path) + (place == "header")


def collect(document: dict[str, Any]) -> None:
    """Move all shared parts to `components`, and reference them."""
    components: dict[str, dict[str, Any]] = document.setdefault("components", {})

    def moved(kind: str, values: Any) -> None:
        for key, value in list(values.items()) if isinstance(values, dict) else enumerate(values):
            if not isinstance(value, dict) or MARK not in value:
                continue
            name, plain = value[MARK], {field: each for field, each in value.items() if field != MARK}
            if kind == "schemas" and "$defs" in plain:  # pydantic's place for nested models
                plain = json.loads(json.dumps(plain).replace("#/$defs/", "#/components/schemas/"))
                components.setdefault(kind, {}).update(plain.pop("$defs"))
            if components.setdefault(kind, {}).setdefault(name, plain) != plain:
                raise ValueError(f"two {kind} are called {name}")
            values[key] = {"$ref": f"#/components/{kind}/{name}"}

    for operations in document["paths"].values():
        for operation in operations.values():
            moved("parameters", operation.get("parameters", []))
            for media in operation.get("requestBody", {}).get("content", {}).values():
                moved("schemas", media)
            for response in operation["responses"].values():
                moved("headers", response["headers"])
                for media in response.get("content", {}).values():
                    moved("schemas", media)
            moved("responses", operation["responses"])
    for kind, found in components.items():
        components[kind] = dict(sorted(found.items()))
