"""Bytes of pictures that were asked for more than once, lately, in memory: a copy less, and four calls of the system.

They say nothing of whether a picture is still there: whoever sends them asks its store first, each time.
"""

from image_service.storage.base import AtHand
from image_service.web.remembered import Remembered


class HotPictures:
    """At most `most_bytes` of them, none over `most_each`; those asked for longest ago go first."""

    def __init__(self, most_bytes: int, most_each: int) -> None:
        self._most_each = most_each
        self._kept: Remembered[AtHand] = Remembered(most_bytes)  # by blob

    def find(self, blob: str, etag: str) -> AtHand | None:
        kept = self._kept.find(blob)
        return kept if kept is not None and kept.etag == etag else None

    def keep(self, blob: str, whole: AtHand) -> None:
        if whole.size <= self._most_each:
            self._kept.keep(blob, whole._replace(data=bytes(whole.data)), whole.size)

    def forget(self, blob: str) -> None:
        self._kept.forget(blob)
