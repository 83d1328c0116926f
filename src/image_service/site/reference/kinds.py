"""Schemas for readers: a value's type, and an object's fields, one line each."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from image_service.site.reference.prose import prose

MAX_INT64 = 2**63 - 1  # every id has this bound, so it is not shown
_FORMATS = {"binary": "file", "date-time": "time", "uri": "URL"}


@dataclass(frozen=True)
class Field:
    """`name` is a path: `image.src` is in an object, `images[].src` in a list's objects."""

    name: str
    kind: Markup
    description: Markup
    is_required: bool
    is_file: bool = False
    example: str = ""


def name_of(ref: str) -> str:
    """The last part of a `$ref`."""
    return ref.rpartition("/")[2]


def title_of(name: str) -> str:
    """A schema's name without the path of the module that FastAPI adds where two have one name."""
    return name.rpartition("__")[2]


def kind_of(schema: Mapping[str, Any]) -> Markup:
    """`integer, 1 or more`, `list of <a href="#schema-ImageBody">ImageBody</a>`."""
    if "$ref" in schema:
        name = name_of(schema["$ref"])
        return Markup('<a href="#schema-{}">{}</a>').format(name, title_of(name))
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return Markup(" or ").join(dict.fromkeys(kind_of(each) for each in schema[key]))
    if "enum" in schema or "const" in schema:
        return Markup(" or ").join(_code(each) for each in schema.get("enum", [schema.get("const")]))
    kinds = schema.get("type", "anything")
    names = kinds if isinstance(kinds, list) else [kinds]
    return Markup(" or ").join(_simple(name, schema) for name in names)


def _simple(name: str, schema: Mapping[str, Any]) -> Markup:
    if name == "null":
        return Markup("null")
    if name == "array":
        if schema.get("maxItems") == 0:
            return Markup("empty list")
        items = kind_of(schema["items"]) if "items" in schema else Markup("anything")
        return Markup("list of {}{}").format(items, _bounds("Items", "", schema))
    if name == "object":
        values = schema.get("additionalProperties")
        return Markup("object of {}").format(kind_of(values)) if isinstance(values, dict) else Markup("object")
    said = escape(_FORMATS.get(schema.get("format", ""), name))
    if name in ("integer", "number"):
        return said + _bounds("", "", schema)
    pattern = Markup(", matches {}").format(_code(schema["pattern"], quoted=False)) if "pattern" in schema else ""
    return said + _bounds("Length", " characters", schema) + pattern


def _bounds(of: str, unit: str, schema: Mapping[str, Any]) -> Markup:
    least, most = (schema.get(f"{end}{of}" if of else f"{end}imum") for end in ("min", "max"))
    if most == MAX_INT64:
        most = None
    match least, most:
        case None, None:
            text = ""
        case _, None:
            text = f", {least} or more{unit}"
        case None, _:
            text = f", at most {most}{unit}"
        case _:
            text = f", {least} to {most}{unit}"
    return escape(text)


def _code(value: object, *, quoted: bool = True) -> Markup:
    return Markup("<code>{}</code>").format(json.dumps(value, ensure_ascii=False) if quoted else value)


def fields_of(schema: Mapping[str, Any], before: str = "") -> Iterator[Field]:
    """The fields of an object, and of the unnamed objects in it."""
    required = schema.get("required", ())
    for name, each in schema.get("properties", {}).items():
        default = f" Default: `{json.dumps(each['default'])}`." if each.get("default") not in (None, []) else ""
        yield Field(
            name=before + name,
            kind=kind_of(each),
            description=prose(each.get("description", "") + default),
            is_required=name in required,
            is_file=each.get("format") == "binary",
            example=example_of(each),
        )
        items = each.get("items", {})
        yield from fields_of(each, f"{before}{name}.")
        yield from fields_of(items, f"{before}{name}[].")


def example_of(schema: Mapping[str, Any]) -> str:
    """The first example as text; empty if there is none."""
    examples = schema.get("examples") or ([schema["example"]] if "example" in schema else [])
    return examples[0] if examples and isinstance(examples[0], str) else json.dumps(examples[0]) if examples else ""
