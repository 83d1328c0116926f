"""Schemas as generators of clients understand them: the same said in a plainer way."""

from typing import Any

MAX_INT32 = 2**31 - 1
MAX_INT64 = 2**63 - 1
_NO_SCHEMAS = {"example", "examples", "default", "enum", "const"}  # hold values, which stay as they are


def make_plain(place: Any) -> None:
    """Each schema within a document:

    - What is one type or null has a list of both. Beside `anyOf` a `format` or a bound is overlooked: it would be the
      list's, and no longer the type's.
    - An integer that 32 bits may not hold has the format `int64`: without one it is an `int` in Java, Kotlin and Go.
    - An integer's bounds are integers; FastAPI makes floats of some, of which the largest is none that 64 bits hold.
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
