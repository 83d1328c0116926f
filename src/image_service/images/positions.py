"""The ordering rules of a gallery: positions are always exactly 1..n. Pure: no rows, no SQL."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Shift:
    """Images from position `first` to `last`, inclusive (None: to the end), move by `by`."""

    first: int
    last: int | None
    by: int


def place(wanted: int | None, last: int) -> int:
    """The position an image gets: `wanted` (1 or more), at most `last`; None means `last`."""
    return last if wanted is None else min(wanted, last)


def entering(wanted: int | None, count: int, later: Collection[int] = ()) -> int:
    """The position that a new image gets among `count` others, of which those at `later` were requested after it.

    `wanted` (1 or more; None: the end) counts only those requested before it. So images that are requested with the
    positions 1, 2, 3…, or with none, stand in the order of the requests, whichever is created first.
    """
    if not later:
        return place(wanted, count + 1)
    earlier = [position for position in range(1, count + 1) if position not in later]
    if wanted is not None and wanted <= len(earlier):
        return earlier[wanted - 1]
    return earlier[-1] + 1 if earlier else 1


def opening(at: int) -> Shift:
    """Makes room for an image at this position."""
    return Shift(first=at, last=None, by=1)


def closing(at: int) -> Shift:
    """Closes the gap that an image leaves at this position."""
    return Shift(first=at + 1, last=None, by=-1)


def moving(old: int, new: int) -> Shift:
    """How the others shift when an image moves from `old` to `new`; the two differ."""
    if new > old:
        return Shift(first=old + 1, last=new, by=-1)
    return Shift(first=new, last=old - 1, by=1)
