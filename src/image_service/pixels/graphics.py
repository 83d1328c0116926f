"""Graphics: icons, logos, charts, line art. They have few colours; lossless encoding is lighter and better."""

from dataclasses import dataclass
from math import ceil, sqrt

import pyvips

from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.structure.png.walk_png import header_of_png

FEW, FEW_GREYS = 256, 16  # colours; a black-and-white photo has at most 256 too
SAMPLE = 16_384  # pixels to sample, on a grid over the picture
DEPTHS = (1, 2, 4)  # bits of a grey sample, whose values are spread evenly over 0 to 255
WHOLE = 8
PALETTE_MAX_PIXELS = 25_000_000  # making a palette takes 7 bytes per pixel


@dataclass(frozen=True)
class Graphic:
    depth: int  # bits per sample of a grey PNG
    takes_palette: bool  # as a colour PNG

    def rounded(self, image: pyvips.Image) -> pyvips.Image:
        """Round a grey picture to the values that `depth` bits can hold: libvips would store the low bits of others."""
        if image.bands > 1 or self.depth == WHOLE:
            return image
        step = _step(self.depth)
        return ((image / step).rint() * step).cast("uchar")


def graphic_of(image: pyvips.Image, data: bytes, rendering: Rendering) -> Graphic | None:
    """Return a `Graphic` if `image` (decoded from `data`, in memory) is one, else None. Lossy originals are not."""
    if rendering.original not in (Format.PNG, Format.GIF, Format.WEBP):
        return None
    depth, is_flat, is_full_size = WHOLE, rendering.original is Format.GIF, False
    if rendering.original is Format.PNG:
        width, height, depth, is_flat = header_of_png(data)
        is_full_size = (width, height) == (image.width, image.height)
    if depth >= WHOLE and not is_flat and not _has_few_colours(image):
        return None
    # A palette loses the colours of fully transparent pixels. An unresized picture must keep them.
    takes_palette = not (is_full_size and image.hasalpha()) and image.width * image.height <= PALETTE_MAX_PIXELS
    if image.bands > 1:
        return Graphic(WHOLE, takes_palette)
    exact, is_smoothed = _grey_depth(image), depth == 1 and not is_full_size
    return Graphic(min(exact, 4) if is_smoothed else exact, takes_palette)  # smooth black and white edges: 16 greys


def _has_few_colours(image: pyvips.Image) -> bool:
    step = ceil(sqrt(image.width * image.height / SAMPLE))
    sample = image.subsample(min(step, image.width), min(step, image.height))
    pixels, bands = bytes(sample.write_to_memory()), image.bands
    few = FEW if bands >= 3 else FEW_GREYS
    return len({pixels[at : at + bands] for at in range(0, len(pixels), bands)}) <= few


def _grey_depth(image: pyvips.Image) -> int:
    values = set(bytes(image.write_to_memory()))
    return next((bits for bits in DEPTHS if all(value % _step(bits) == 0 for value in values)), WHOLE)


def _step(depth: int) -> int:
    """Return the distance between the values that `depth` bits can hold."""
    return 255 // ((1 << depth) - 1)
