"""The outline of a picture, read without decoding a pixel.

A decoder is only let near a file whose size, frames and passes are known to be bearable: the headers of
a few hundred bytes may promise gigapixels, or ten thousand passes over a picture.
"""

from dataclasses import dataclass

from image_service.pixels.limits import Limits, too_large
from image_service.pixels.picture import Format


@dataclass(frozen=True)
class Structure:
    """What the bytes say of themselves. The decoder has not agreed yet: see `probe`."""

    format: Format
    width: int  # pixels, as stored (before the EXIF orientation)
    height: int  # pixels, of one frame
    frames: int
    end: int  # offset of the first byte behind the image
    decoded: int  # bytes that a decoder may have to hold at once, at most

    def check(self, limits: Limits) -> None:
        """Raises `Refused` (TOO_MANY_PIXELS) beyond the limits."""
        size = f"{self.width}x{self.height}x{self.frames}"
        if max(self.width, self.height) > limits.side:
            raise too_large(f"side of {size}")
        if self.frames > limits.frames:
            raise too_large(f"more than {limits.frames} frames")
        if self.width * self.height * self.frames > limits.pixels:
            raise too_large(f"pixels of {size}")
        if self.decoded > limits.decoded:
            raise too_large(f"{self.decoded} bytes to decode {size}")
