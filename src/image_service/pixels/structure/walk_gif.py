"""GIF: screen, then extensions and frames, each a chain of sub-blocks (GIF89a, section 15 on)."""

from struct import Struct

from image_service.pixels.limits import Limits, broken, too_large
from image_service.pixels.picture import Format
from image_service.pixels.structure.outline import Structure

SCREEN = Struct("<6xHHB2x")  # width, height, flags
FRAME = Struct("<xHHHHB")  # left, top, width, height, flags
EXTENSION, FRAME_START, TRAILER = 0x21, 0x2C, 0x3B
MAX_CODE_SIZE = 11  # bits; LZW codes are one bit longer and end at 12
CONTROL = 0xF9  # the extension that says what becomes of the next frame
RESTORED = (3, 4)  # by what was there before it: decoders keep a copy of the canvas; 4 is an old mistake for 3
EXTENSIONS_PER_FRAME = 3  # control, comment, application: what an honest frame may bring along


def walk_gif(data: bytes, limits: Limits) -> Structure:
    """The outline of a GIF. A missing trailer and junk behind the last frame end it, as in every decoder.

    Width and height are those of the canvas grown to hold every frame: a one-pixel canvas may carry a
    frame of gigapixels.
    """
    if len(data) < SCREEN.size:
        raise broken("GIF cut in its header")
    width, height, flags = SCREEN.unpack_from(data)
    position = SCREEN.size + _palette_bytes(flags)
    frames = extensions = 0
    canvases = 1
    while position < len(data):
        block = data[position]
        if block == EXTENSION:
            extensions += 1
            if extensions > limits.chunks + EXTENSIONS_PER_FRAME * limits.frames:
                raise broken("GIF with too many extensions")
            canvases = max(canvases, _canvases(data, position))
            position = _behind_sub_blocks(data, position + 2)
        elif block == FRAME_START:
            frames += 1
            if frames > limits.frames:
                raise too_large(f"more than {limits.frames} frames")
            if position + FRAME.size > len(data):
                raise broken("GIF cut in a frame's header")
            left, top, frame_width, frame_height, flags = FRAME.unpack_from(data, position)
            if not frame_width or not frame_height:
                raise broken("GIF with an empty frame")
            width, height = max(width, left + frame_width), max(height, top + frame_height)
            position = _behind_pixels(data, position + FRAME.size + _palette_bytes(flags))
        elif block == TRAILER or frames:
            position += block == TRAILER
            break
        else:
            raise broken("GIF with an unknown block")
    if not frames:
        raise broken("GIF without a frame")
    if canvases * width * height * 4 > limits.canvas:
        raise too_large(f"{canvases} canvases of {width}x{height}")
    return Structure(Format.GIF, width, height, frames, end=position, decoded=width * height * frames * 4)


def _canvases(data: bytes, extension: int) -> int:
    """How many a decoder has to hold because of this extension."""
    label, _, flags = data[extension + 1 : extension + 4].ljust(3, b"\0")
    return 2 if label == CONTROL and flags >> 2 & 7 in RESTORED else 1


def _palette_bytes(flags: int) -> int:
    return 3 << ((flags & 0x07) + 1) if flags & 0x80 else 0


def _behind_pixels(data: bytes, position: int) -> int:
    if position >= len(data):
        raise broken("GIF cut before a frame's pixels")
    if data[position] > MAX_CODE_SIZE:
        raise broken("GIF with a bad code size")
    return _behind_sub_blocks(data, position + 1)


def _behind_sub_blocks(data: bytes, position: int) -> int:
    """A chain of (length, that many bytes), ended by length 0."""
    while position < len(data):
        length = data[position]
        position += 1 + length
        if length == 0:
            return position
    raise broken("GIF cut in a block")
