"""The boxes of ISO media files (ISO/IEC 14496-12): length, type, body. Reading beyond a body's end raises `Refused`."""

from collections.abc import Iterator

from image_service.pixels.limits import broken


class Tally:
    """Counts down how many boxes, and table entries in boxes, a file may still have."""

    def __init__(self, most: int) -> None:
        self._left = most

    def count(self, number: int = 1) -> None:
        self._left -= number
        if self._left < 0:
            raise broken("HEIF with too many boxes or entries")


class Fields:
    """Reads a box's fields in order. Numbers are big-endian."""

    def __init__(self, body: memoryview) -> None:
        self._body = body
        self._position = 0

    @property
    def rest(self) -> memoryview:
        return self._body[self._position :]

    def take(self, count: int) -> bytes:
        position = self._position + count
        if position > len(self._body):
            raise broken("HEIF with a box that is too short")
        taken = bytes(self._body[self._position : position])
        self._position = position
        return taken

    def number(self, count: int) -> int:
        """Read a number of `count` bytes; 0 if `count` is 0."""
        return int.from_bytes(self.take(count), "big")

    def text(self) -> bytes:
        """Read text up to a NUL, or to the end of the box."""
        text = bytes(self.rest).partition(b"\0")[0]
        self._position = min(self._position + len(text) + 1, len(self._body))
        return text

    def version_and_flags(self) -> tuple[int, int]:
        return self.number(1), self.number(3)


def head_at(data: memoryview, position: int) -> tuple[bytes, int, int] | None:
    """Return type, body start and body stop of the box at `position`; None if it is not complete.

    A length of 0 means "to the end of the file".
    """
    start = position + 8
    length, kind = int.from_bytes(data[position : position + 4], "big"), bytes(data[position + 4 : start])
    if length == 1:
        start += 8
        length = int.from_bytes(data[position + 8 : start], "big")
    stop = position + length if length else len(data)
    return (kind, start, stop) if start <= stop <= len(data) else None


def boxes_in(body: memoryview, tally: Tally) -> Iterator[tuple[bytes, memoryview]]:
    """Yield each box of a body that holds only boxes."""
    position = 0
    while position < len(body):
        tally.count()
        found = head_at(body, position)
        if found is None:
            raise broken("HEIF with a box beyond its parent's end")
        kind, start, position = found
        yield kind, body[start:position]
