"""Operations that answer under several prefixes: found here, so that the page shows each of them once.

A tag with `x-repeats` holds the operations of another tag again. Each begins with the other's `operationId`. One that
has no other is shown for itself: nothing of the document is lost.
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
    tag: str  # the first
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
    """By the `operationId` of those that they repeat."""
    found: dict[str, list[Repeat]] = {}
    for each in listed:
        base = tags[each.tag].get(REPEATS)
        ids = [
            other.id
            for other in listed
            if other.tag == base and other.method == each.method and each.id.startswith(f"{other.id}_")
        ]
        if ids:
            found.setdefault(max(ids, key=len), []).append(Repeat(each.id, each.tag, each.path))
    return found


def prefixes_of(
    own: Sequence[Listed], repeats: Mapping[str, Sequence[Repeat]], tags: Mapping[str, Mapping[str, Any]]
) -> Sequence[Prefix]:
    """Of a group's operations, its own first; none: they have one."""
    found: dict[str, str] = {}
    for each in own:
        for repeat in repeats.get(each.id, ()):
            own_prefix, prefix = _apart(each.path, repeat.path)
            found.setdefault(own_prefix, "")
            found.setdefault(prefix, tags[repeat.tag].get("description", ""))
    return [Prefix(prefix or "/", line(description)) for prefix, description in found.items()]


def _apart(one: str, other: str) -> tuple[str, str]:
    """What two paths begin with before they go on alike."""
    left, right = one.split("/"), other.split("/")
    while left and right and left[-1] == right[-1]:
        left.pop()
        right.pop()
    return "/".join(left), "/".join(right)
