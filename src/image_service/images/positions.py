"""The ordering rules of a gallery: positions are always exactly 1..n. Pure: no rows, no SQL."""

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
