"""The description as generators of clients need it: types that every language has, and names that do not collide."""

from collections.abc import Iterator
from typing import Any

MAX_INT32 = 2**31 - 1
VALUES = {"example", "examples", "default", "enum", "const"}
# What languages have by these names, of those that a schema would be tempted to take.
TAKEN = {
    "any", "array", "boolean", "bytes", "class", "date", "default", "delete", "enum", "error", "exception",
    "file", "float", "function", "import", "integer", "interface", "list", "long", "map", "module", "null",
    "number", "nothing", "object", "package", "range", "record", "result", "self", "set", "string", "type",
    "unit", "void",
}  # fmt: skip


def schemas(place: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each schema that has a type, and all within it."""
    if isinstance(place, dict):
        if isinstance(place.get("type"), (str, list)):
            yield path, place
        for key, value in place.items():
            if key not in VALUES:
                yield from schemas(value, f"{path}/{key}")
    elif isinstance(place, list):
        for index, value in enumerate(place):
            yield from schemas(value, f"{path}/{index}")


def kinds(schema: dict[str, Any]) -> list[str]:
    kind = schema["type"]
    return [kind] if isinstance(kind, str) else list(kind)


def pascal(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


async def test_integers_beyond_32_bits_say_so(printed: dict[str, Any]) -> None:
    found = [(path, each) for path, each in schemas(printed) if "integer" in kinds(each)]
    assert len(found) > 100
    for path, each in found:
        for bound in each.keys() & {"minimum", "maximum"}:
            assert type(each[bound]) is int, path
            assert each[bound] < 2**63, path
        assert each.get("maximum", 2**63) <= MAX_INT32 or each["format"] == "int64", path


async def test_no_type_is_null_alone(printed: dict[str, Any]) -> None:
    """No language has a type for it. One of two choices may be, where the other is more than a type."""
    for path, each in schemas(printed):
        assert each["type"] != "null" or "/anyOf/" in path, path
    created = printed["components"]["schemas"]["Created"]
    assert created["properties"]["message"]["type"] == ["string", "null"]
    image = printed["components"]["schemas"]["ImageBody"]["properties"]
    assert (image["product_id"]["type"], image["product_id"]["format"]) == (["integer", "null"], "int64")


async def test_no_choice_of_one_type_or_null(printed: dict[str, Any]) -> None:
    for path, each in schemas({"of": [{"type": "object", "properties": printed}]}):
        for name, one in each.get("properties", {}).items():
            choices = one.get("anyOf", []) if isinstance(one, dict) else []
            assert {"type": "null"} not in choices or len(choices) > 2, f"{path}/{name}"


async def test_no_constant_is_the_word_null(printed: dict[str, Any]) -> None:
    """Generators take it for null."""
    for path, each in schemas(printed):
        assert each.get("const") != "null", path
        assert "null" not in each.get("enum", []), path


async def test_names_of_schemas_collide_with_nothing(printed: dict[str, Any]) -> None:
    """Neither with one another in any case, nor with words of a language, nor with what generators add: Go's
    constructors (`NewImageBody`), and the types of an operation's request and answer.
    """
    names = list(printed["components"]["schemas"])
    assert len({name.lower() for name in names}) == len(names)
    assert not {name.lower() for name in names} & TAKEN
    assert not {f"New{name}" for name in names} & set(names)
    assert not {f"Nullable{name}" for name in names} & set(names)
    operations = [each["operationId"] for path in printed["paths"].values() for each in path.values()]
    assert not {pascal(name) + end for name in operations for end in ("Request", "Response", "")} & set(names)
