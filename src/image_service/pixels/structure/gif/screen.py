"""The screen of a GIF. libnsgif does not believe some sizes, such as those of monitors or more than 2048 pixels, and
takes the first frame's size instead: frames are then cut. Browsers believe every size.
"""

from struct import Struct

from image_service.pixels.structure.gif.frames import corner

# As in libnsgif.
DISBELIEVED = {(640, 480), (640, 512), (800, 600), (1024, 768), (1280, 1024), (1600, 1200)}
MOST_BELIEVED = 2048  # pixels of a side; 0 is not believed either
SIZE = Struct("<HH")
SIZE_AT, FLAGS_AT, END = 6, 10, 13  # offsets in the screen, and where it ends
FRAME = Struct("<HHHH")  # left, top, width, height
EXTENSION, FRAME_START = 0x21, 0x2C


def cornered(gif: bytes) -> bytes | None:
    """Return the GIF with one more frame before its first, a transparent pixel at the screen's last corner, if the
    decoder would cut the screen to its first frame. It must have passed the walk."""
    width, height = SIZE.unpack_from(gif, SIZE_AT)
    if (width, height) not in DISBELIEVED and min(width, height) > 0 and max(width, height) <= MOST_BELIEVED:
        return None
    flags = gif[FLAGS_AT]
    start = END + ((6 << (flags & 7)) if flags & 0x80 else 0)
    right, bottom = _first_corner(gif, start)
    if right >= width and bottom >= height:
        return None
    return gif[:start] + corner(max(width, right), max(height, bottom)) + gif[start:]


def _first_corner(gif: bytes, at: int) -> tuple[int, int]:
    """Return the right and bottom of the first frame, which follows extensions from `at` on."""
    while gif[at] == EXTENSION:
        at += 2
        while gif[at]:
            at += 1 + gif[at]
        at += 1
    left, top, across, down = FRAME.unpack_from(gif, at + 1)
    return left + across, top + down
