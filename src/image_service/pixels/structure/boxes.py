"""The boxes of ISO media files (ISO/IEC 14496-12): length, type, body. Reading beyond a body's end is a refusal."""

from collections.abc import Iterator

from image_service.pixels.limits import broken


class Tally:
    """How many boxes, and entries of tables in boxes, a file may still have."""

    def __init__(self, most: int) -> None:
        self._left = most

    def count(self, number: int = 1) -> None:
        self._left -= number
        if self._left < 0:
            raise broken("HEIF with too many boxes or entries")


class Fields:
    """What a box holds, one after the other; numbers are big-endian."""

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
        """Of `count` bytes; 0 of none."""
        return int.from_bytes(self.take(count), "big")

    def text(self) -> bytes:
        """Up to its NUL, or to the end of the box."""
        text = bytes(self.rest).partition(b"\0")[0]
        self._position = min(self._position + len(text) + 1, len(self._body))
        return text

    def version_and_flags(self) -> tuple[int, int]:
        return self.number(1), self.number(3)


def head_at(data: memoryview, position: int) -> tuple[bytes, int, int] | None:
    """Type, start and stop of the body of the box at `position`; None if no whole box is there.

    A length of 0 is "to the end of the file".
    """
    start = position + 8
    length, kind = int.from_bytes(data[position : position + 4], "big"), bytes(data[position + 4 : start])
    if length == 1:
        start += 8
        length = int.from_bytes(data[position + 8 : start], "big")
    stop = position + length if length else len(data)
    return (kind, start, stop) if start <= stop <= len(data) else None


def boxes_in(body: memoryview, tally: Tally) -> Iterator[tuple[bytes, memoryview]]:
    """Each box of a body that holds nothing else."""
    position = 0
    while position < len(body):
        tally.count()
        found = head_at(body, position)
        if found is None:
            raise broken("HEIF with a box beyond its parent's end")
        kind, start, position = found
        yield kind, body[start:position]
