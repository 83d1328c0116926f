"""What a render will cost, from what the check has found: rough, but known before anything is decoded.

A tenth of a second or half a minute: which of the two is what decides on turns and refusals, and no more than that.
How fast this machine is at the moment, the pool sees for itself and multiplies by.
"""

from image_service.pixels.messages import Rendering
from image_service.pixels.picture import ANIMATED, Format

DEAR_SECONDS = 1.0  # from here on a render is a dear one: 12 megapixels as AVIF, a hundred frames

# Nanoseconds for each pixel on a busy core: to decode and shrink one of the original, to encode one of the variant.
DECODE = {Format.JPG: 6, Format.PNG: 20, Format.GIF: 30, Format.WEBP: 30, Format.AVIF: 60, Format.HEIC: 30}
ENCODE = {Format.JPG: 15, Format.PNG: 100, Format.GIF: 200, Format.WEBP: 60, Format.AVIF: 200}
FLOOR = 0.01  # seconds, of any render


def estimated_seconds(rendering: Rendering, width: int, height: int) -> float:
    """`width` and `height` are the original's."""
    frames = rendering.frames if rendering.format in ANIMATED else 1
    decoded = width * height * frames * DECODE[rendering.original]
    encoded = rendering.width * rendering.height * frames * ENCODE[rendering.format]
    return FLOOR + (decoded + encoded) / 1_000_000_000
