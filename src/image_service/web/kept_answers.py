"""Finished answers, kept for whoever asks the same while nothing has changed.

Each has the version of what it shows. The caller learns the version that holds now from the database, with every
request: so what is kept is right however many workers and replicas there are, and nobody has to be told of a change.
"""

import zlib
from collections.abc import Hashable
from dataclasses import dataclass

from image_service.web.answers import Answer
from image_service.web.remembered import Remembered

FASTEST = 1  # of zlib's levels: 0.1 ms for the list of 30 images, to a sixth of its 13 kB; 0.03 ms back
OVERHEAD_BYTES = 1500  # of an answer beside its body: headers, key, objects


@dataclass(frozen=True)
class _Kept:
    version: int
    answer: Answer  # its body compressed


class KeptAnswers:
    """At most `most_bytes` of them; those asked for longest ago go first."""

    def __init__(self, most_bytes: int) -> None:
        self._kept: Remembered[_Kept] = Remembered(most_bytes)

    def find(self, key: Hashable, version: int) -> Answer | None:
        kept = self._kept.find(key)
        if kept is None or kept.version != version:
            return None
        return kept.answer.with_body(zlib.decompress(kept.answer.body))

    def keep(self, key: Hashable, version: int, answer: Answer) -> None:
        compressed = answer.with_body(zlib.compress(answer.body, FASTEST))
        self._kept.keep(key, _Kept(version, compressed), len(compressed.body) + OVERHEAD_BYTES)
