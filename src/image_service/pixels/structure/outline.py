"""The outline of a picture, read without decoding a pixel.

A decoder only gets files with acceptable size, frames and passes: a file of a few hundred bytes may
declare gigapixels, or ten thousand passes over a picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from image_service.errors import Refusal
from image_service.pixels.limits import Limits, Refused, too_large
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.costs import most_seconds
from image_service.pixels.structure.gif.frames import Coded
from image_service.pixels.structure.png.apng import Apng


@dataclass(frozen=True)
class Edit:
    """Replaces `data[start:stop]` by `put`."""

    start: int
    stop: int
    put: bytes = b""


@dataclass(frozen=True)
class Structure:
    """What the file declares. `probe` compares it with the decoder."""

    format: Format
    width: int  # pixels, as stored (before the EXIF orientation)
    height: int  # pixels, of one frame
    frames: int
    end: int  # offset of the first byte after the image
    decoded: int  # most bytes that a decoder may hold at once
    edits: tuple[Edit, ...] = ()  # in file order; see `tidied`
    is_open: bool = False  # the end marker is missing
    is_lossy: bool = False  # a WebP of VP8 alone, whose decoder fails only where the data end early
    apng: Apng | None = None  # offsets refer to the tidied data
    appended: int = 0  # frames that `tidied` adds
    coded: tuple[Coded, ...] = ()  # frames of a GIF

    def check(self, limits: Limits) -> None:
        """Raises `Refused` (TOO_WIDE_OR_HIGH, TOO_MANY_PIXELS) beyond the limits."""
        size = f"{self.width}x{self.height}x{self.frames}"
        if max(self.width, self.height) > limits.side:
            raise Refused(Refusal.TOO_WIDE_OR_HIGH, size)
        if self.frames > limits.frames:
            raise too_large(f"more than {limits.frames} frames")
        if not limits.allow(self.width, self.height, self.frames):
            raise too_large(f"pixels of {size}")
        if self.frames > 1:
            own = Rendering(self.format, self.format.rendered, self.width, self.height, self.frames)
            if most_seconds(own, self.width, self.height) > limits.draw_seconds:
                raise too_large(f"{size} would take too long to draw")
        if self.decoded > limits.decoded:
            raise too_large(f"{self.decoded} bytes to decode {size}")

    def tidied(self, data: bytes) -> bytes:
        """Return the image for a strict decoder: without bytes that every decoder ignores, and with its end marker.

        Does not change any pixel of its frames. The stored original is `data[:end]`, byte for byte.
        """
        return edited(data, self.edits, self.end)


def edited(data: bytes, edits: Sequence[Edit], end: int | None = None) -> bytes:
    """Return `data` up to `end`, with the edits, which are in its order."""
    end = len(data) if end is None else end
    if not edits:
        return data if end == len(data) else data[:end]
    parts, position = [], 0
    for edit in edits:
        parts += [data[position : edit.start], edit.put]
        position = edit.stop
    return b"".join([*parts, data[position:end]])
