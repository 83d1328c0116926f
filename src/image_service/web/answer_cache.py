"""A cache of finished answers, for repeated requests while nothing changes.

Each entry has the version of its content. On every request the caller reads the current version from the database. So
the cache is correct with any number of workers and replicas, and needs no invalidation.
"""

import zlib
from collections.abc import Hashable
from dataclasses import dataclass

from cachetools import LRUCache

from image_service.web.answers import Answer

FASTEST = 1  # zlib level: compresses a list of 30 images, 13 kB, to a sixth in 0.1 ms; 0.03 ms back
OVERHEAD_BYTES = 1500  # of an answer besides its body: headers, key, objects


@dataclass(frozen=True)
class _Entry:
    version: int
    answer: Answer  # with a compressed body


class AnswerCache:
    """At most `max_bytes` of answers; the least recently used go first."""

    def __init__(self, max_bytes: int) -> None:
        self._entries: LRUCache[Hashable, _Entry] = LRUCache(max_bytes, _weight)

    def find(self, key: Hashable, version: int) -> Answer | None:
        entry = self._entries.get(key)
        if entry is None or entry.version != version:
            return None
        return entry.answer.with_body(zlib.decompress(entry.answer.body))

    def keep(self, key: Hashable, version: int, answer: Answer) -> None:
        entry = _Entry(version, answer.with_body(zlib.compress(answer.body, FASTEST)))
        if _weight(entry) <= self._entries.maxsize:
            self._entries[key] = entry


def _weight(entry: _Entry) -> int:
    return len(entry.answer.body) + OVERHEAD_BYTES
