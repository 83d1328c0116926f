"""A JSON body -> its fields, and the text of its attachment, which is most of it and never becomes a string."""

import json
import re
import secrets
from collections.abc import Sequence
from functools import cache
from typing import Any, NoReturn

from image_service.errors import MalformedBody

# What an encoder may have put into base64: PHP's and others' of a slash, and line breaks.
_ESCAPES = ((rb"\/", b"/"), (rb"\n", b""), (rb"\r", b""))


def taken_apart(body: bytes, attachment: Sequence[str]) -> tuple[dict[str, Any], bytes]:
    """The fields without the one at the path `attachment`, and its text; empty where there is none.

    Raises `MalformedBody`.

    The text is cut out of the bytes and a mark put in its place, which nobody can have sent: where that turns up as the
    field's value, the right text was cut. Anything else is parsed as it stands.
    """
    if found := _beginning(attachment[-1]).search(body):
        start = found.end()
        end = body.find(b'"', start)
        text = body[start:end]
        if b"\\" in text:
            for escape, meant in _ESCAPES:
                text = text.replace(escape, meant)
        if end > start and text.isascii() and b"\\" not in text:
            mark = secrets.token_hex()
            fields = parsed(b"".join((body[:start], mark.encode(), body[end:])))
            if parent_of(fields, attachment).get(attachment[-1]) == mark:
                del parent_of(fields, attachment)[attachment[-1]]
                return fields, text
    fields = parsed(body)
    parent = parent_of(fields, attachment)
    value = parent.get(attachment[-1])
    if not isinstance(value, str) or not value:
        return fields, b""
    del parent[attachment[-1]]
    return fields, value.encode("utf-8", "surrogatepass")


@cache
def _beginning(name: str) -> re.Pattern[bytes]:
    """Of a field's text: its name, the colon, the quotation mark."""
    return re.compile(rb'"%s"\s*:\s*"' % re.escape(name).encode())


def parent_of(fields: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """The object that holds the last field of `path`; an empty one where there is none."""
    found: Any = fields
    for name in path[:-1]:
        found = found.get(name)
        if not isinstance(found, dict):
            return {}
    return found if isinstance(found, dict) else {}


def parsed(body: bytes) -> dict[str, Any]:
    """An absent body has no fields. Raw line breaks inside strings are taken: the seed prints its attachment with them.
    Raises `MalformedBody`.
    """
    if not body.strip():
        return {}
    try:
        value = json.loads(body.decode("utf-8-sig"), strict=False, parse_constant=_no_constant, parse_float=_number)
    except (ValueError, RecursionError) as error:
        raise MalformedBody(str(error)[:100]) from None
    if not isinstance(value, dict):
        raise MalformedBody("not an object")
    return value


def _number(text: str) -> float | int:
    """JSON has one kind of number: `2.0` is the integer 2 (JSON Schema 2020-12, 4.2.3)."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _no_constant(name: str) -> NoReturn:
    """NaN and Infinity are Python's, not JSON's."""
    raise ValueError(name)
