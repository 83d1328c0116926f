"""Simplifies schemas for client generators, without changing their meaning."""

from typing import Any

MAX_INT32 = 2**31 - 1
MAX_INT64 = 2**63 - 1
_NO_SCHEMAS = {"example", "examples", "default", "enum", "const"}  # hold values, which stay unchanged


def make_plain(place: Any) -> None:
    """Change each schema in a document:

    - A type or null becomes a list of both. Generators overlook a `format` or a bound beside `anyOf`: it would belong
      to the list, not to the type.
    - An integer that may exceed 32 bits gets the format `int64`: without it, it is an `int` in Java, Kotlin and Go.
    - An integer's bounds become integers; FastAPI makes some floats, the largest of which does not fit 64 bits.
    """
    if isinstance(place, dict):
        _join_null(place)
        _say_width(place)
        for key, value in place.items():
            if key not in _NO_SCHEMAS:
                make_plain(value)
    elif isinstance(place, list):
        for value in place:
            make_plain(value)


def _join_null(schema: dict[str, Any]) -> None:
    match schema.get("anyOf"):
        case [{"type": str(kind)} as only, {"type": "null"}] if not only.keys() & {"enum", "const"}:
            del schema["anyOf"]
            schema.update({**only, **schema, "type": [kind, "null"]})


def _say_width(schema: dict[str, Any]) -> None:
    kinds = schema.get("type")
    if kinds != "integer" and not (isinstance(kinds, list) and "integer" in kinds):
        return
    for bound in schema.keys() & {"minimum", "maximum"}:
        schema[bound] = min(int(schema[bound]), MAX_INT64)
    if schema.get("maximum", MAX_INT64) > MAX_INT32:
        schema.setdefault("format", "int64")
