"""The screen of a GIF. libnsgif takes some sizes for those of the maker's monitor, and the first frame's size instead:
frames are then cut. Browsers believe every size.
"""

from struct import Struct

# As in libnsgif. It does not believe more than 2048 pixels on a side either, which one more would not change.
DISBELIEVED = {(640, 480), (640, 512), (800, 600), (1024, 768), (1280, 1024), (1600, 1200)}
SIZE = Struct("<HH")
SIZE_AT, FLAGS_AT, END = 6, 10, 13  # offsets in the screen, and where it ends
FRAME = Struct("<HHHH")  # left, top, width, height
EXTENSION, FRAME_START = 0x21, 0x2C


def wider(gif: bytes) -> bytes | None:
    """Return the GIF with a screen that is one column wider, if the decoder would cut it to its first frame. It must
    have passed the walk."""
    size = SIZE.unpack_from(gif, SIZE_AT)
    if size not in DISBELIEVED or _is_filled(gif, *size):
        return None
    return gif[:SIZE_AT] + SIZE.pack(size[0] + 1, size[1]) + gif[SIZE_AT + SIZE.size :]


def _is_filled(gif: bytes, width: int, height: int) -> bool:
    """Whether the first frame reaches the screen's last corner: then the decoder has the right size."""
    flags = gif[FLAGS_AT]
    at = END + ((6 << (flags & 7)) if flags & 0x80 else 0)
    while at + 1 < len(gif) and gif[at] == EXTENSION:
        at += 2
        while at < len(gif) and gif[at]:
            at += 1 + gif[at]
        at += 1
    if at + 1 + FRAME.size > len(gif) or gif[at] != FRAME_START:
        return True
    left, top, across, down = FRAME.unpack_from(gif, at + 1)
    return bool(left + across >= width and top + down >= height)
