"""The sizes that a picture is offered in, and the formats possible for each."""

import re
from dataclasses import dataclass
from math import inf
from typing import Self

from image_service.pixels.messages import Rendering
from image_service.pixels.picture import ALWAYS_TAKEN, Format
from image_service.pixels.pool.costs import most_seconds

NAME = re.compile(r"(0|[1-9][0-9]{0,4})-(0|[1-9][0-9]{0,4})")

WEBP_MAX_SIDE = 16_383  # pixels; the file format has 14 bits for a side
WEBP_MAX_PIXELS = 50_000_000  # for noise with alpha, its encoder holds 2 GB, the limit of a pixel process
AVIF_MAX_SIDE = 16_384  # pixels; the most that libheif with AV1 was tested to write
AVIF_MAX_PIXELS = 25_000_000  # its encoder holds 20 to 40 bytes per pixel: up to 1 GB


@dataclass(frozen=True, order=True)
class Size:
    """A box in pixels that prints as its own name: `str(Size(640, 0)) == "640-0"`.

    A side of 0 follows from the other side. Both 0 means full size.
    """

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}-{self.height}"

    @classmethod
    def parse(cls, name: str) -> Self:
        """Parse a size. Raises `ValueError` for any other spelling than `str(size)`."""
        match = NAME.fullmatch(name)
        if match is None:
            raise ValueError(f"not a size: {name[:20]!r}")
        return cls(int(match[1]), int(match[2]))

    def fit(self, width: int, height: int) -> tuple[int, int]:
        """Return the exact pixels of a `width` x `height` picture in this size: never enlarged, never 0."""
        box_width, box_height = self.width or width, self.height or height
        if width <= box_width and height <= box_height:
            return width, height
        if box_width * height <= box_height * width:  # the width limits
            return box_width, max(1, _rounded(height * box_width, width))
        return max(1, _rounded(width * box_height, height)), box_height


SPARE = 1.5  # times the wanted size: the least size of a picture that is shrunk while decoding
SRC_SIZE = Size(640, 0)  # of an image's `src` (spelled as in one of the seeds); always offered
DEFAULT_SIZES = tuple(
    Size.parse(name) for name in ("50-0", "100-0", "240-0", "320-0", "480-0", "640-0", "1024-1024", "1920-0", "0-0")
)


@dataclass(frozen=True)
class Offer:
    """The sizes and formats that pictures are offered in."""

    sizes: tuple[Size, ...] = DEFAULT_SIZES
    draw_seconds: float = inf  # formats that may take longer are not offered

    def formats(self, original: Format, frames: int, full: tuple[int, int], size: Size) -> tuple[Format, ...]:
        """Return the formats of a picture of these dimensions at `size`: its own format, then the smaller formats, then
        one that every browser knows.

        Always includes its own format. Animated AVIF is not supported. Offers JPEG if a GIF would take too long.
        """
        width, height = size.fit(*full)
        side = max(width, height)
        possible = []
        if side <= WEBP_MAX_SIDE and width * height <= WEBP_MAX_PIXELS:
            possible.append(Format.WEBP)
        if side <= AVIF_MAX_SIDE and width * height <= AVIF_MAX_PIXELS and frames == 1:
            possible.append(Format.AVIF)
        if original not in ALWAYS_TAKEN:
            possible += [Format.JPG] if frames == 1 else [Format.GIF]
        drawn = [
            each
            for each in possible
            if most_seconds(Rendering(original, each, width, height, frames), *full) <= self.draw_seconds
        ]
        if Format.GIF in possible and Format.GIF not in drawn:
            drawn.append(Format.JPG)
        return tuple(dict.fromkeys((original.rendered, *drawn)))

    def may_weigh(self, rendering: Rendering, width: int, height: int) -> bool:
        """Whether there is time to render all formats to compare. `width` and `height` are the original's."""
        each_alone = (rendering, *rendering.alternatives)
        return sum(most_seconds(each, width, height) for each in each_alone) <= self.draw_seconds


def _rounded(numerator: int, denominator: int) -> int:
    """Round half up, in integers: the same on every machine, as a URL's size must never change."""
    return (2 * numerator + denominator) // (2 * denominator)
