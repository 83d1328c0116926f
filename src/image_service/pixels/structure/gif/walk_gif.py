"""GIF: screen, then extensions and frames, each a chain of sub-blocks (GIF89a, section 15 on)."""

from struct import Struct

from image_service.pixels.limits import Limits, broken, cut, too_large
from image_service.pixels.picture import Format
from image_service.pixels.structure.gif.frames import INTERLACED, TRANSPARENT, Coded
from image_service.pixels.structure.outline import Edit, Structure

SCREEN = Struct("<6xHHB2x")  # width, height, flags
FRAME = Struct("<xHHHHB")  # left, top, width, height, flags
EXTENSION, FRAME_START, TRAILER = 0x21, 0x2C, 0x3B
FLAGS_AT = 10  # offset in the screen
UNUSED = 255  # a colour that no pixel uses if the palette has fewer than 256
FULL_PALETTE = 3 * 256  # bytes
MAX_CODE_SIZE = 8  # bits of a pixel; browsers read no more
CONTROL = 0xF9  # the extension with the next frame's disposal
CONTROL_BYTES = 4  # of its body
CLEARED = 2  # disposal: cleared after display
RESTORED = (3, 4)  # disposal: restore the previous canvas, which decoders copy; 4 is an old mistake for 3
EXTENSIONS_PER_FRAME = 3  # control, comment, application: the most of a regular frame


def walk_gif(data: bytes, limits: Limits) -> Structure:
    """Return the outline of a GIF. A missing trailer, or junk after the last frame, ends it, as in every decoder.

    Width and height are those of the canvas, enlarged to hold every frame: a one-pixel canvas may have a
    frame of gigapixels. Ignores frames without pixels, and a truncated last frame if others are complete.

    If a part of the canvas is visible that no frame covers, `tidied` adds one frame, so that it is transparent.
    """
    return _Walk(data, limits).structure()


class _Walk:
    def __init__(self, data: bytes, limits: Limits) -> None:
        if len(data) < SCREEN.size:
            raise cut("GIF cut in its header")
        self._data = data
        self._limits = limits
        self._width, self._height, self._flags = SCREEN.unpack_from(data)
        self._frames = self._left_out = self._extensions = 0
        self._canvases = 1  # that a decoder must hold
        self._control: int | None = None  # offset of the next frame's control extension
        self._control_end = 0
        self._disposal = 0
        self._placed: list[tuple[int, int, int, int, int]] = []  # left, top, width, height, disposal of each frame
        self._coded: list[Coded] = []
        self._colours = 0  # most bytes of palette that the frames without one need
        self._edits: list[Edit] = []

    def structure(self) -> Structure:
        position = SCREEN.size + _palette_bytes(self._flags)
        is_cut = True
        while position < len(self._data):
            block = self._data[position]
            if block not in (EXTENSION, FRAME_START):
                if block != TRAILER and not self._frames:
                    raise broken("GIF with an unknown block")
                position += block == TRAILER
                is_cut = False
                break
            stop = _behind_block(self._data, position)
            (self._extension if block == EXTENSION else self._frame)(position, stop)
            position = len(self._data) if stop is None else stop
        if not self._frames:
            raise (cut if is_cut else broken)("GIF without a whole frame")
        held = self._width * self._height * self._frames * 4
        self._fill_screen_s_palette()
        shows_canvas = not self._is_covered()
        if shows_canvas:
            self._append(TRANSPARENT, position)
        structure = Structure(
            Format.GIF,
            self._width,
            self._height,
            self._frames,
            position,
            held,
            edits=tuple(self._edits),
            appended=int(shows_canvas),
            coded=tuple(self._coded),
        )
        structure.check(self._limits)
        if self._canvases * self._width * self._height * 4 > self._limits.canvas:
            raise too_large(f"{self._canvases} canvases of {self._width}x{self._height}")
        return structure

    def _extension(self, start: int, stop: int | None) -> None:
        self._extensions += 1
        if self._extensions > self._limits.chunks + EXTENSIONS_PER_FRAME * self._limits.frames:
            raise broken("GIF with too many extensions")
        label, _, flags = self._data[start + 1 : start + 4].ljust(3, b"\0")
        if label == CONTROL:
            if self._control is not None:  # only the last one counts; the decoder would mix them
                self._edits.append(Edit(self._control, self._control_end))
            self._control, self._control_end = start, stop or len(self._data)
            self._disposal = flags >> 2 & 7
            if self._disposal in RESTORED:
                self._canvases = 2
        if stop is None:
            self._leave_out(start, None)

    def _frame(self, start: int, stop: int | None) -> None:
        if self._frames + self._left_out == self._limits.frames:
            raise too_large(f"more than {self._limits.frames} frames")
        if stop is None:
            self._leave_out(start, None)
            return
        left, top, width, height, flags = FRAME.unpack_from(self._data, start)
        if width and height:
            end = start + FRAME.size + _palette_bytes(flags)
            colours = 3 << min(self._data[end], MAX_CODE_SIZE)  # bytes of a palette with all that its pixels can name
            self._let_clear(start, colours)
            self._fill_palette(start, flags, colours)
            self._frames += 1
            self._placed.append((left, top, width, height, self._disposal))
            pixels = memoryview(self._data)[end:stop]
            self._coded.append(Coded(width, height, bool(flags & INTERLACED), pixels))
            self._width, self._height = max(self._width, left + width), max(self._height, top + height)
        else:
            self._leave_out(start, stop)
        self._control, self._disposal = None, 0

    def _fill_palette(self, start: int, flags: int, colours: int) -> None:
        """Append black for the colours that pixels can name but the palette lacks, as in browsers.

        The decoder makes them transparent, or takes them from an earlier palette.
        """
        own = _palette_bytes(flags)
        if not own:
            self._colours = max(self._colours, colours)
        elif own < colours:
            at, end = start + FRAME.size - 1, start + FRAME.size + own
            self._edits.append(Edit(at, end, _filled(self._data[at:end], colours)))

    def _fill_screen_s_palette(self) -> None:
        palette = _palette_bytes(self._flags)
        if palette < self._colours:
            end = SCREEN.size + palette
            self._edits.insert(0, Edit(FLAGS_AT, end, _filled(self._data[FLAGS_AT:end], self._colours)))

    def _let_clear(self, start: int, colours: int) -> None:
        """Make the decoder clear frames as browsers do: to transparent, also a first frame with disposal "restore". The
        decoder does so only if the frame has a transparent colour, else it fills in the background colour.
        """
        if not self._frames and self._disposal in RESTORED:
            self._disposal = CLEARED
        if self._disposal != CLEARED or self._control is None or self._data[self._control + 2] != CONTROL_BYTES:
            return
        at = self._control + 3
        flags, delay_low, delay_high, colour = self._data[at : at + CONTROL_BYTES]
        palette = _palette_bytes(self._data[start + FRAME.size - 1]) or _palette_bytes(self._flags)
        if not flags & 1 and (palette < FULL_PALETTE or colours < FULL_PALETTE):
            flags, colour = flags | 1, UNUSED
        cleared = bytes((flags & ~0x1C | CLEARED << 2, delay_low, delay_high, colour))
        if cleared != self._data[at : at + CONTROL_BYTES]:
            self._edits.append(Edit(at, at + CONTROL_BYTES, cleared))

    def _is_covered(self) -> bool:
        """Whether each frame, with the remains of earlier frames, surely covers the canvas."""
        before = False
        for left, top, width, height, disposal in self._placed:
            is_whole = (left, top) == (0, 0) and width >= self._width and height >= self._height
            if not before and not is_whole:
                return False
            if disposal not in RESTORED:
                before = disposal != CLEARED
        return True

    def _append(self, frame: bytes, end: int) -> None:
        """Insert a frame before the trailer, or add one with a missing trailer."""
        last = bytes([TRAILER])
        if self._edits and self._edits[-1].put == last:
            end = self._edits.pop().start
        elif self._data[end - 1] == TRAILER:
            end -= 1
        self._edits.append(Edit(end, len(self._data), frame + last))

    def _leave_out(self, start: int, stop: int | None) -> None:
        """Remove a frame with its control extension. A truncated frame is replaced by the trailer."""
        start = start if self._control is None else self._control
        end = Edit(start, len(self._data), bytes([TRAILER])) if stop is None else Edit(start, stop)
        self._edits.append(end)
        self._left_out += 1


def _filled(flags_to_palette: bytes, palette: int) -> bytes:
    """Return the bytes from the flags to the palette's end with a palette of so many bytes, the new ones black."""
    flags = flags_to_palette[0]
    larger = 0x80 | flags & ~7 | (palette // 3).bit_length() - 2
    return bytes([larger]) + flags_to_palette[1:] + bytes(palette - _palette_bytes(flags))


def _palette_bytes(flags: int) -> int:
    return 3 << ((flags & 0x07) + 1) if flags & 0x80 else 0


def _behind_block(data: bytes, position: int) -> int | None:
    """Return the end of the extension or frame at `position`; None if the file ends before."""
    if data[position] == EXTENSION:
        return _behind_sub_blocks(data, position + 2)
    if position + FRAME.size > len(data):
        return None
    position += FRAME.size + _palette_bytes(data[position + FRAME.size - 1])
    if position >= len(data):
        return None
    if data[position] > MAX_CODE_SIZE:
        raise broken("GIF with a bad code size")
    return _behind_sub_blocks(data, position + 1)


def _behind_sub_blocks(data: bytes, position: int) -> int | None:
    """Skip a chain of (length, that many bytes), ended by length 0."""
    while position < len(data):
        length = data[position]
        position += 1 + length
        if length == 0:
            return position
    return None
