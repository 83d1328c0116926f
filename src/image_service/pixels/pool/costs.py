"""What a render will cost, from what the check has found: rough, but known before anything is decoded.

A tenth of a second or half a minute: which of the two is what decides on turns and refusals, and no more than that.
How fast this machine is at the moment, the pool sees for itself and multiplies by.
"""

from collections.abc import Mapping

from image_service.pixels.messages import Rendering
from image_service.pixels.picture import ANIMATED, Format

DEAR_SECONDS = 1.0  # from here on a render is a dear one: 12 megapixels as AVIF, a hundred frames

# Nanoseconds for each pixel on a busy core: to decode and shrink one of the original, to encode one of the variant.
DECODE = {Format.JPG: 6, Format.PNG: 20, Format.GIF: 30, Format.WEBP: 30, Format.AVIF: 60, Format.HEIC: 30}
ENCODE = {Format.JPG: 15, Format.PNG: 100, Format.GIF: 200, Format.WEBP: 60, Format.AVIF: 200}
FLOOR = 0.01  # seconds, of any render
# The same at worst: noise, on cores that are shared. Measured: 54 to decode an animated WebP, 295 to encode as GIF.
MOST_DECODE = {Format.JPG: 60, Format.PNG: 100, Format.GIF: 100, Format.WEBP: 100, Format.AVIF: 200, Format.HEIC: 200}
MOST_ENCODE = {Format.JPG: 60, Format.PNG: 300, Format.GIF: 450, Format.WEBP: 250, Format.AVIF: 600}


def estimated_seconds(rendering: Rendering, width: int, height: int) -> float:
    """`width` and `height` are the original's."""
    return _seconds(rendering, width, height, DECODE, ENCODE)


def most_seconds(rendering: Rendering, width: int, height: int) -> float:
    """At worst."""
    return _seconds(rendering, width, height, MOST_DECODE, MOST_ENCODE)


def _seconds(
    rendering: Rendering, width: int, height: int, decode: Mapping[Format, int], encode: Mapping[Format, int]
) -> float:
    frames = rendering.frames if rendering.format in ANIMATED else 1
    decoded = width * height * frames * decode[rendering.original]
    encoded = rendering.width * rendering.height * frames * encode[rendering.format]
    return FLOOR + (decoded + encoded) / 1_000_000_000
