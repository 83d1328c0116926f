"""Graphics: icons, logos, charts, line art. They have few colours, and are lighter and better without loss."""

from dataclasses import dataclass
from math import ceil, sqrt

import pyvips

from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.structure.png.walk_png import header_of_png

FEW, FEW_GREYS = 256, 16  # colours; a photo in black and white has no more than 256 either
SAMPLE = 16_384  # pixels that are looked at, of a grid over the picture
DEPTHS = (1, 2, 4)  # bits of a grey, the values of each as far apart as they can be
PALETTE_MAX_PIXELS = 25_000_000  # making one holds 7 bytes for each


@dataclass(frozen=True)
class Graphic:
    depth: int  # bits of a sample in a PNG that is grey
    takes_palette: bool  # as a PNG in colours


def graphic_of(image: pyvips.Image, data: bytes, rendering: Rendering) -> Graphic | None:
    """The graphic that `image` (decoded from `data`, in memory) is, or None. A lossy original is none."""
    if rendering.original not in (Format.PNG, Format.GIF, Format.WEBP):
        return None
    depth, is_flat, is_full_size = 8, rendering.original is Format.GIF, False
    if rendering.original is Format.PNG:
        width, height, depth, is_flat = header_of_png(data)
        is_full_size = (width, height) == (image.width, image.height)
    if depth >= 8 and not is_flat and not _has_few_colours(image):
        return None
    # Under full transparency a palette's colours would not stay: where nothing is resized they shall.
    takes_palette = not (is_full_size and image.hasalpha()) and image.width * image.height <= PALETTE_MAX_PIXELS
    if image.bands > 1:
        return Graphic(8, takes_palette)
    exact = _grey_depth(image)
    return Graphic(min(exact, 4) if depth == 1 else exact, takes_palette)  # smooth edges of black and white: 16 greys


def _has_few_colours(image: pyvips.Image) -> bool:
    step = ceil(sqrt(image.width * image.height / SAMPLE))
    sample = image.subsample(min(step, image.width), min(step, image.height))
    pixels, bands = bytes(sample.write_to_memory()), image.bands
    few = FEW if bands >= 3 else FEW_GREYS
    return len({pixels[at : at + bands] for at in range(0, len(pixels), bands)}) <= few


def _grey_depth(image: pyvips.Image) -> int:
    values = set(bytes(image.write_to_memory()))
    return next((bits for bits in DEPTHS if all(value % (255 // (2**bits - 1)) == 0 for value in values)), 8)
