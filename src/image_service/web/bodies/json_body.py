"""Splits a JSON body into its fields and the text of its attachment, which is most of it.

The body without the attachment is bounded before parsing: Python uses 60 to 160 bytes for each value, and takes a
second for a few million of them.
"""

import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from image_service.errors import BodyTooLong, InvalidField, MalformedBody
from image_service.ingest.base64_text import begins_a_picture, is_data_url
from image_service.web.bodies.validated import shown_name

SRC = "src"  # besides the attachment; may also hold a picture
MAX_DATA_HEAD = 300  # bytes that identify a `data:` URL

# An unclosed string matches to the body's end. Possessive: never backtracks, and stores no backtracking state.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_BRACKETS = re.compile(rb"[][{}]")
# Escapes that encoders put into base64: of slashes (PHP and others) and line breaks.
_ESCAPES = ((rb"\/", b"/"), (rb"\n", b""), (rb"\r", b""))


@dataclass(frozen=True)
class JsonBounds:
    """For a body without its attachment."""

    bytes: int = 64 * 1024  # alt texts in many languages, a long URL
    values: int = 2_000  # keys, commas and brackets, of which each value has one; alt texts in the most languages: 150
    depth: int = 32  # of nested lists and objects; real bodies have 3


BOUNDS = JsonBounds()


class LongTexts(BodyTooLong):
    """The body is too long because of long texts under wrong names. `fields` has the first characters of each."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__("without a picture")
        self.fields = fields


def taken_apart(body: bytes, attachment: Sequence[str]) -> tuple[dict[str, Any], bytes]:
    """The fields without the one at the path `attachment`, and its text, empty if absent.

    Raises `BodyTooLong`, `LongTexts`, `MalformedBody`.
    """
    rest, cut = _without_pictures(body, (attachment[-1], SRC), BOUNDS)
    fields = _parsed(rest)
    parent = parent_of(fields, attachment)
    text, value, src = b"", parent.get(attachment[-1]), parent.get(SRC)
    if isinstance(value, str) and value:
        del parent[attachment[-1]]
        text = _text(cut.pop(value)) if value in cut else value.encode("utf-8", "surrogatepass")
    if isinstance(src, str) and src in cut and is_data_url(cut[src][:MAX_DATA_HEAD].decode("latin-1")):
        parent[SRC] = _text(cut.pop(src)).decode("utf-8", "surrogatepass")  # a picture, as large as an attachment
    size = 0

    def restored(mark: str) -> str:
        nonlocal size
        size += len(cut[mark])
        if size > BOUNDS.bytes:
            raise BodyTooLong
        return _text(cut[mark]).decode("utf-8", "surrogatepass")

    try:
        return _restored(fields, cut, restored), text
    except BodyTooLong:
        if text or parent.get(SRC):
            raise
        raise LongTexts(_restored(fields, cut, lambda mark: _start(cut[mark]))) from None


def parsed(body: bytes, bounds: JsonBounds = BOUNDS, *, last_wins: bool = False) -> dict[str, Any]:
    """The fields of a body without an attachment; none if the body is empty. Raw line breaks in strings are accepted:
    the seed prints its attachment with them. `last_wins`: of equal names in an object the last
    one counts; by default they are refused.

    Raises `BodyTooLong`, `MalformedBody`, `InvalidField`.
    """
    rest, _ = _without_pictures(body, (), bounds)
    return _parsed(rest, None if last_wins else _names_once)


def _without_pictures(body: bytes, names: Sequence[str], bounds: JsonBounds) -> tuple[bytes, dict[str, bytes]]:
    """Replace each text that may be a picture, by its name or beginning, with a random mark; return the body and the
    texts. Of two with the same name the last counts, as for any key: the parser decides.
    """
    quoted = {b'"%s"' % name.encode() for name in names}
    kept: list[bytes] = []
    cut: dict[str, bytes] = {}
    size = depth = values = end = 0
    is_named = False  # the previous string is such a name
    for match in _STRING.finditer(body):
        between = _bounded(body, end, match.start(), bounds.bytes - size)
        is_value = between.lstrip().startswith(b":")  # so the string before was a key
        depth, values = _within(between, depth, values + is_value, bounds)
        size += len(between)
        start, end = match.span()
        if names and between.strip() == b":" and end - start > 2 and (is_named or _is_picture(body, start, end)):
            mark = secrets.token_hex()
            cut[mark] = body[start + 1 : end - 1]
            string = b'"%s"' % mark.encode()
        else:
            string = _bounded(body, start, end, bounds.bytes - size)
            size += len(string)
        is_named = string in quoted
        kept += (between, string)
    between = _bounded(body, end, len(body), bounds.bytes - size)
    _within(between, depth, values, bounds)
    return b"".join((*kept, between)), cut


def _is_picture(body: bytes, start: int, end: int) -> bool:
    """Whether a string, with its quotes, is long and begins as a picture does."""
    return end - start > MAX_DATA_HEAD and begins_a_picture(body[start + 1 : start + MAX_DATA_HEAD])


def _restored(fields: dict[str, Any], cut: Mapping[str, bytes], text: Callable[[str], str]) -> dict[str, Any]:
    """Put the texts that are no picture back in place of their marks; `text` gives a mark's."""

    def restored(value: Any) -> Any:
        if isinstance(value, str) and value in cut:
            return text(value)
        if isinstance(value, dict):
            return {key: restored(each) for key, each in value.items()}
        return list(map(restored, value)) if isinstance(value, list) else value

    return {key: restored(each) for key, each in fields.items()} if cut else fields


def parent_of(fields: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """The object that holds the last field of `path`; an empty one if absent."""
    found: Any = fields
    for name in path[:-1]:
        found = found.get(name)
        if not isinstance(found, dict):
            return {}
    return found if isinstance(found, dict) else {}


def _bounded(body: bytes, start: int, end: int, room: int) -> bytes:
    if end - start > room:
        raise BodyTooLong
    return body[start:end]


def _within(between: bytes, depth: int, values: int, bounds: JsonBounds) -> tuple[int, int]:
    """Depth and number of values after the bytes between two strings."""
    values += between.count(b",") + between.count(b"[") + between.count(b"{")
    if values > bounds.values:
        raise BodyTooLong
    for bracket in _BRACKETS.findall(between):
        depth += 1 if bracket in b"[{" else -1
        if depth > bounds.depth:
            raise MalformedBody("nested too deep")
    return depth, values


def _text(string: bytes) -> bytes:
    """Decode a JSON string that comes without its quotes."""
    text = string
    if b"\\" in text:
        for escape, meant in _ESCAPES:
            text = text.replace(escape, meant)
    if text.isascii() and b"\\" not in text:
        return text
    try:
        return str(json.loads(f'"{string.decode()}"', strict=False)).encode("utf-8", "surrogatepass")
    except ValueError as error:
        raise MalformedBody(str(error)[:100]) from None


def _start(string: bytes) -> str:
    """The first characters of a JSON string that comes without its quotes."""
    text = string[:MAX_DATA_HEAD]
    for escape, meant in _ESCAPES:
        text = text.replace(escape, meant)
    return text.decode("latin-1")


def _parsed(body: bytes, pairs: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None = None) -> dict[str, Any]:
    """`pairs` makes an object of its names and values."""
    if not body.strip():
        return {}
    try:
        value = json.loads(
            body.decode("utf-8-sig"),
            strict=False,
            parse_constant=_no_constant,
            parse_float=_number,
            object_pairs_hook=pairs,
        )
    except (ValueError, RecursionError) as error:
        raise MalformedBody(str(error)[:100]) from None
    if not isinstance(value, dict):
        raise MalformedBody("not an object")
    return value


def _names_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A list that is there twice, the second time empty, must not remove what the first one names."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidField(shown_name(name), "is there twice")
        found[name] = value
    return found


def _number(text: str) -> float | int:
    """JSON has one kind of number: `2.0` is the integer 2 (JSON Schema 2020-12, 4.2.3)."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _no_constant(name: str) -> NoReturn:
    """NaN and Infinity are Python's, not JSON's."""
    raise ValueError(name)
