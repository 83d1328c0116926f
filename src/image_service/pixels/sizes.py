"""The sizes that a picture is offered in, and the formats that hold one."""

import re
from dataclasses import dataclass, replace
from math import inf
from typing import Self

from image_service.pixels.messages import Rendering
from image_service.pixels.picture import ALWAYS_TAKEN, Format
from image_service.pixels.pool.costs import most_seconds

NAME = re.compile(r"(0|[1-9][0-9]{0,4})-(0|[1-9][0-9]{0,4})")

WEBP_MAX_SIDE = 16_383  # pixels; the file format has 14 bits for a side
WEBP_MAX_PIXELS = 50_000_000  # of noise with alpha its encoder holds 2 GB, all that a pixel process may have
AVIF_MAX_SIDE = 16_384  # pixels; as far as libheif with AV1 has been seen to write
AVIF_MAX_PIXELS = 25_000_000  # its encoder holds 20 to 40 bytes for each: up to 1 GB


@dataclass(frozen=True, order=True)
class Size:
    """A box in pixels that prints as its own name: `str(Size(640, 0)) == "640-0"`.

    0 is "as the other side needs"; both 0 is full size.
    """

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}-{self.height}"

    @classmethod
    def parse(cls, name: str) -> Self:
        """The size of this very name; raises `ValueError` for any other way to write it."""
        match = NAME.fullmatch(name)
        if match is None:
            raise ValueError(f"not a size: {name[:20]!r}")
        return cls(int(match[1]), int(match[2]))

    def fit(self, width: int, height: int) -> tuple[int, int]:
        """The exact pixels of a `width` x `height` picture in this size: never enlarged, never 0."""
        box_width, box_height = self.width or width, self.height or height
        if width <= box_width and height <= box_height:
            return width, height
        if box_width * height <= box_height * width:  # the width is what binds
            return box_width, max(1, _rounded(height * box_width, width))
        return max(1, _rounded(width * box_height, height)), box_height


SPARE = 1.5  # times the size wanted, which a picture that is shrunk while it is decoded still has at the least
SRC_SIZE = Size(640, 0)  # of the picture that an image's `src` names (as one of the seeds prints it); always offered
DEFAULT_SIZES = tuple(
    Size.parse(name) for name in ("50-0", "100-0", "240-0", "320-0", "480-0", "640-0", "1024-1024", "1920-0", "0-0")
)


@dataclass(frozen=True)
class Offer:
    """What pictures can be had in."""

    sizes: tuple[Size, ...] = DEFAULT_SIZES
    draw_seconds: float = inf  # what might take longer is not offered

    def formats(self, original: Format, frames: int, full: tuple[int, int], size: Size) -> tuple[Format, ...]:
        """What a picture of these dimensions can be had in at `size`: the own format first, then the smaller ones, then
        one that every browser knows.

        The own format is always there. Nothing here writes animated AVIF. A GIF that would take too long is a JPEG.
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
        """Whether there is time for all formats that it is weighed against. `width` and `height` are the original's."""
        each_alone = (replace(rendering, format=each) for each in (rendering.format, *rendering.against))
        return sum(most_seconds(each, width, height) for each in each_alone) <= self.draw_seconds


def _rounded(numerator: int, denominator: int) -> int:
    """Half up, in whole numbers: the same on every machine, for a URL must mean one size for ever."""
    return (2 * numerator + denominator) // (2 * denominator)
