"""Things kept in memory by their weight: those asked for longest ago make room."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Remembered(Generic[Thing]):
    """At most `most_bytes` of them."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[Hashable, tuple[Thing, int]] = OrderedDict()

    def find(self, key: Hashable) -> Thing | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        self._kept.move_to_end(key)
        return kept[0]

    def keep(self, key: Hashable, thing: Thing, weight: int) -> None:
        """`weight` in bytes."""
        self.forget(key)
        self._kept[key] = thing, weight
        self._bytes += weight
        while self._bytes > self._most_bytes:
            self.forget(next(iter(self._kept)))

    def forget(self, key: Hashable) -> None:
        if (old := self._kept.pop(key, None)) is not None:
            self._bytes -= old[1]
