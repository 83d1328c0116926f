"""Lays the frames of a GIF side by side, on empty ground, to see which pixels they lack.

The coded pixels of a frame may end early, with a proper end code. The decoder then leaves the rest as it was and
reports no error. Browsers fail.
"""

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import NamedTuple

SHEET_PIXELS = 1_000_000  # of several frames together; a larger frame is alone. One decode takes 3 ms at the least
MOST_SIDE = 65_535
HEAD = Struct("<6sHHB2x")  # signature, width, height, flags
FRAME = Struct("<BHHHHB")  # separator, left, top, width, height, flags
INTERLACED = 0x40
FULL_PALETTE, BLACK = 0x87, bytes(3 * 256)  # of every sheet: colours do not matter
# A frame of one transparent pixel. The decoder makes no alpha for a GIF without transparent colours in its frames.
TRANSPARENT = bytes.fromhex("21f9040100000000 2c00000000010001008000000000000002024401 00")
PLACE = slice(9, 13)  # its left and top


class Coded(NamedTuple):
    width: int  # pixels
    height: int
    is_interlaced: bool
    data: memoryview  # code size and sub-blocks


class Sheet(NamedTuple):
    gif: bytes
    page: int  # on which all frames are drawn; the pixels that no frame has are transparent
    pixels: int  # of the frames together


def sheets(frames: Sequence[Coded]) -> Iterator[Sheet]:
    """Yield the frames one below the other, each opaque, on as few sheets as possible."""
    some: list[Coded] = []
    for frame in frames:
        width = max(frame.width, *(each.width for each in some), 0)
        height = frame.height + sum(each.height for each in some)
        if some and (height > MOST_SIDE or width * height > SHEET_PIXELS):
            yield _sheet(some)
            some = []
        some.append(frame)
    if some:
        yield _sheet(some)


def corner(width: int, height: int) -> bytes:
    """Return a frame for the front of a GIF: a transparent pixel at the last corner of a screen of this size.

    The decoder does not believe every screen: it takes the first frame's right and bottom instead.
    """
    frame = bytearray(TRANSPARENT)
    frame[PLACE] = (width - 1).to_bytes(2, "little") + (height - 1).to_bytes(2, "little")
    return bytes(frame)


def _sheet(frames: Sequence[Coded]) -> Sheet:
    width, height = max(each.width for each in frames), sum(each.height for each in frames)
    parts: list[bytes | memoryview] = [HEAD.pack(b"GIF89a", width, height, FULL_PALETTE), BLACK, corner(width, height)]
    top = 0
    for frame in frames:
        flags = INTERLACED if frame.is_interlaced else 0
        parts += [FRAME.pack(ord(","), 0, top, frame.width, frame.height, flags), frame.data]
        top += frame.height
    pixels = sum(each.width * each.height for each in frames)
    return Sheet(b"".join([*parts, b";"]), len(frames), pixels)
