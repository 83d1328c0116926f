"""The ordering rules of a gallery: positions are always exactly 1..n. Pure: no rows, no SQL."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shift:
    """All images from position `first` on, up to and with `last` (None: to the end), move by `by`."""

    first: int
    last: int | None
    by: int


def place(wanted: int | None, last: int) -> int:
    """Where an image goes: as wanted (1 or more), but no farther than `last`; None means there."""
    return last if wanted is None else min(wanted, last)


def opening(at: int) -> Shift:
    """Makes room for an image at this position."""
    return Shift(first=at, last=None, by=1)


def closing(at: int) -> Shift:
    """Closes the gap that an image leaves at this position."""
    return Shift(first=at + 1, last=None, by=-1)


def moving(old: int, new: int) -> Shift:
    """How the others close up around an image that goes from `old` to `new`; the two differ."""
    if new > old:
        return Shift(first=old + 1, last=new, by=-1)
    return Shift(first=new, last=old - 1, by=1)
