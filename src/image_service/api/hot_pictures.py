"""Bytes of pictures that were asked for more than once, lately, in memory: a copy less, and four calls of the system.

They say nothing of whether a picture is still there: whoever sends them asks its store first, each time.
"""

from collections import OrderedDict

from image_service.storage.base import AtHand


class HotPictures:
    """At most `most_bytes` of them; those asked for longest ago go first."""

    def __init__(self, most_bytes: int, most_each: int) -> None:
        self._most_bytes = most_bytes
        self._most_each = most_each
        self._bytes = 0
        self._kept: OrderedDict[str, AtHand] = OrderedDict()  # by blob

    def find(self, blob: str, etag: str) -> AtHand | None:
        kept = self._kept.get(blob)
        if kept is None or kept.etag != etag:
            return None
        self._kept.move_to_end(blob)
        return kept

    def keep(self, blob: str, whole: AtHand) -> None:
        if whole.size > self._most_each:
            return
        self.forget(blob)
        self._kept[blob] = whole._replace(data=bytes(whole.data))
        self._bytes += whole.size
        while self._bytes > self._most_bytes:
            self.forget(next(iter(self._kept)))

    def forget(self, blob: str) -> None:
        if (old := self._kept.pop(blob, None)) is not None:
            self._bytes -= old.size
