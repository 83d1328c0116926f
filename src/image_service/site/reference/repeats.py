"""Finds operations that answer under several prefixes, so that the page shows each of them once.

A tag with `x-repeats` repeats another tag's operations. The `operationId` of each begins with that of the original.
An operation that only such tags have is shown once, under the other tag.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from image_service.site.reference.model import Prefix, Repeat
from image_service.site.reference.prose import line

REPEATS = "x-repeats"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True)
class Listed:
    id: str
    tag: str  # the operation's first
    method: str
    path: str
    described: Mapping[str, Any]


def operations_of(document: Mapping[str, Any]) -> Sequence[Listed]:
    return [
        Listed(each["operationId"], each.get("tags", ["Other"])[0], method.upper(), path, each)
        for path, operations in document.get("paths", {}).items()
        for method, each in operations.items()
        if method in METHODS
    ]


def repeats_of(listed: Sequence[Listed], tags: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Sequence[Repeat]]:
    """By the `operationId` of the original."""
    found: dict[str, list[Repeat]] = {}
    for each in listed:
        base = tags[each.tag].get(REPEATS)
        ids = [other.id for other in listed if other.tag == base and _is_repeated(other, each)]
        if ids:
            found.setdefault(max(ids, key=len), []).append(Repeat(each.id, each.tag, each.path))
    again = {repeat.id: id for id, repeats in found.items() for repeat in repeats}
    paths = {each.id: each.path for each in listed}
    prefixes = {each.tag: _apart(paths[again[each.id]], each.path)[1] for each in listed if each.id in again}
    first: dict[tuple[str, str, str], str] = {}
    for each in listed:
        if each.tag in prefixes and each.id not in again:
            key = tags[each.tag][REPEATS], each.method, each.path.removeprefix(prefixes[each.tag])
            if (id := first.setdefault(key, each.id)) != each.id:
                found.setdefault(id, []).append(Repeat(each.id, each.tag, each.path))
    return found


def _is_repeated(other: Listed, each: Listed) -> bool:
    ends_alike = other.path.rpartition("/")[2] == each.path.rpartition("/")[2]
    return ends_alike and other.method == each.method and each.id.startswith(f"{other.id}_")


def group_of(each: Listed, tags: Mapping[str, Mapping[str, Any]]) -> str:
    """The tag that an operation is shown under."""
    base: str = tags[each.tag].get(REPEATS, each.tag)
    return base if base in tags else each.tag


def prefixes_of(
    own: Sequence[Listed], repeats: Mapping[str, Sequence[Repeat]], tags: Mapping[str, Mapping[str, Any]]
) -> Sequence[Prefix]:
    """The prefixes of a group's operations, its own first. Empty: there is only one."""
    found: dict[str, str] = {}
    for each in own:
        for repeat in repeats.get(each.id, ()):
            own_prefix, prefix = _apart(each.path, repeat.path)
            found.setdefault(own_prefix, "")
            found.setdefault(prefix, tags[repeat.tag].get("description", ""))
    return [Prefix(prefix or "/", line(description)) for prefix, description in found.items()]


def _apart(one: str, other: str) -> tuple[str, str]:
    """Two paths without the end that they share."""
    left, right = one.split("/"), other.split("/")
    while left and right and left[-1] == right[-1]:
        left.pop()
        right.pop()
    return "/".join(left), "/".join(right)
