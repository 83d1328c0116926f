"""Whether a picture keeps its colours if they are stored at half the width and height, as JPEG, WebP and AVIF do.

Photos do. The edges of cut-outs, coloured text and thin lines do not: they would be washed out or fringed.
"""

from typing import Any

import pyvips

from image_service.pixels.picture import Format

FULL: dict[Format, dict[str, Any]] = {
    Format.JPG: {"subsample_mode": "off"},
    Format.AVIF: {"subsample_mode": "off"},
    Format.WEBP: {"smart_subsample": True},  # it has no other: it looks for the half that does least harm
}
FIELD, HALVED = "jpeg-chroma-subsample", "4:2:0"
SEEN = 64  # of 255, by which a pixel's colour may differ
# The share of such pixels from which on it shows: photos have up to 0.0002, a red line across a picture 0.003.
MOST = 0.001
MAX_PIXELS = 25_000_000  # of a picture that is looked at: it is held in memory


BLOCK = 8  # pixels of the transparent ground that get one colour


def filled_beneath(image: pyvips.Image) -> pyvips.Image:
    """A picture in memory, with alpha; what is wholly transparent has the colour of what is near it, as a lossy encoder
    smears the one into the other. AVIF's edges are then nearer by two thirds, in two thirds of the bytes.
    """
    alpha = image[image.bands - 1]
    blocks = image.premultiply().shrink(BLOCK, BLOCK, ceil=True).unpremultiply().cast("uchar")
    near = blocks.resize(BLOCK, kernel="linear").crop(0, 0, image.width, image.height)
    colours = (alpha == 0).ifthenelse(near[: image.bands - 1], image[: image.bands - 1])
    return colours.bandjoin(alpha).copy(interpretation=image.interpretation)


def is_worth_a_look(image: pyvips.Image) -> bool:
    """Which needs the picture in memory. A camera's JPEG has half the colours already, and is no graphic."""
    return not (image.get_typeof(FIELD) and image.get(FIELD) == HALVED)


def needs_full(image: pyvips.Image) -> bool:
    """Of a picture in memory, in 8-bit sRGB."""
    width, height = image.width // 2 * 2, image.height // 2 * 2
    if not width or not height:
        return False
    image = image.crop(0, 0, width, height)
    if image.hasalpha():
        image = image.flatten(background=255)
    colours = (image[0].bandjoin(image[2]) - image[1]).cast("short")
    halved = colours.shrink(2, 2).zoom(2, 2)
    return float(((colours - halved).abs() > SEEN).bandor().avg()) > MOST * 255
