"""Decides whether a picture's colours survive 4:2:0 (half width and height), as JPEG, WebP and AVIF store them.

Photos' do. Edges of cut-outs, coloured text and thin lines do not: they wash out or get fringes.
"""

from typing import Any

import pyvips

from image_service.pixels.picture import Format

FULL: dict[Format, dict[str, Any]] = {
    Format.JPG: {"subsample_mode": "off"},
    Format.AVIF: {"subsample_mode": "off"},
    Format.WEBP: {"smart_subsample": True},  # it has only 4:2:0: this picks the least harmful samples
}
FIELD, HALVED = "jpeg-chroma-subsample", "4:2:0"
SEEN = 64  # of 255; a pixel's colour may differ by as much
# The share of such pixels that becomes visible: photos have up to 0.0002, a red line across a picture 0.003.
MOST = 0.001


BLOCK = 8  # pixels per side of a transparent block that gets one colour


def filled_beneath(image: pyvips.Image) -> pyvips.Image:
    """Give wholly transparent pixels the colour of nearby pixels: lossy encoders smear the two. `image` is in memory,
    with alpha. AVIF's edges then have a third of the error, in two thirds of the bytes.
    """
    alpha = image[image.bands - 1]
    blocks = image.premultiply().shrink(BLOCK, BLOCK, ceil=True).unpremultiply().cast("uchar")
    near = blocks.resize(BLOCK, kernel="linear").crop(0, 0, image.width, image.height)
    colours = (alpha == 0).ifthenelse(near[: image.bands - 1], image[: image.bands - 1])
    return colours.bandjoin(alpha).copy(interpretation=image.interpretation)


def is_worth_a_look(image: pyvips.Image) -> bool:
    """Whether to look at its colours, in memory. A camera's JPEG is already 4:2:0, and no graphic."""
    return not (image.get_typeof(FIELD) and image.get(FIELD) == HALVED)


def needs_full(image: pyvips.Image) -> bool:
    """Whether it needs full-size colours. `image` is in memory, in 8-bit sRGB."""
    width, height = image.width // 2 * 2, image.height // 2 * 2
    if not width or not height:
        return False
    image = image.crop(0, 0, width, height)
    if image.hasalpha():
        image = image.flatten(background=255)
    colours = (image[0].bandjoin(image[2]) - image[1]).cast("short")
    halved = colours.shrink(2, 2).zoom(2, 2)
    return float(((colours - halved).abs() > SEEN).bandor().avg()) > MOST * 255
