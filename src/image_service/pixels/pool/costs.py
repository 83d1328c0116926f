"""Estimates a render's cost from the probe: roughly, before anything is decoded.

Turns and refusals only need to tell a tenth of a second from half a minute. The pool measures the machine's
current speed and multiplies by it.
"""

from collections.abc import Mapping, Sequence

from image_service.pixels.messages import Rendering
from image_service.pixels.picture import ANIMATED, Format

DEAR_SECONDS = 1.0  # a render is dear from here on: 12 megapixels as AVIF, a hundred frames

# Nanoseconds per pixel on a busy core: decode and shrink (original's pixels), encode (variant's pixels).
DECODE = {Format.JPG: 6, Format.PNG: 20, Format.GIF: 30, Format.WEBP: 30, Format.AVIF: 60, Format.HEIC: 30}
ENCODE = {Format.JPG: 15, Format.PNG: 100, Format.GIF: 200, Format.WEBP: 60, Format.AVIF: 200}
FLOOR = 0.01  # seconds, at least, for any render
# Worst case: noise, on shared cores. Measured: 54 to decode an animated WebP, 295 to encode as GIF; lossless WebP takes
# twice the time of lossy where it is lighter.
MOST_DECODE = {Format.JPG: 60, Format.PNG: 100, Format.GIF: 100, Format.WEBP: 100, Format.AVIF: 200, Format.HEIC: 200}
MOST_ENCODE = {Format.JPG: 60, Format.PNG: 300, Format.GIF: 450, Format.WEBP: 350, Format.AVIF: 600}


def estimated_seconds(rendering: Rendering, width: int, height: int) -> float:
    """`width` and `height` are the original's."""
    return _seconds(rendering, width, height, DECODE, ENCODE)


def family_seconds(renderings: Sequence[Rendering], width: int, height: int) -> float:
    """Of one job, which decodes once."""
    decode = FLOOR + width * height * DECODE[renderings[0].original] / 1_000_000_000
    return decode + sum(estimated_seconds(each, width, height) - decode for each in renderings)


def most_seconds(rendering: Rendering, width: int, height: int) -> float:
    """Worst case."""
    return _seconds(rendering, width, height, MOST_DECODE, MOST_ENCODE)


def _seconds(
    rendering: Rendering, width: int, height: int, decode: Mapping[Format, int], encode: Mapping[Format, int]
) -> float:
    frames = rendering.frames if rendering.format in ANIMATED else 1
    decoded = width * height * frames * decode[rendering.original]
    encoded = rendering.width * rendering.height * frames * encode[rendering.format]
    return FLOOR + (decoded + encoded) / 1_000_000_000
