"""The frames of an animation, one below the other in a strip."""

import pyvips

from image_service.pixels.libvips import field, resized
from image_service.pixels.messages import Rendering

PLAYBACK = ("delay", "loop")  # milliseconds of each frame; how often, 0 for ever
WEBP_HEAD = (b"RIFF", b"WEBPVP8X")  # of a file with frames: the words before and behind its length
WEBP_FLAGS_AT = 20
WEBP_ALPHA = 0x10


def fit_frames(strip: pyvips.Image, rendering: Rendering) -> pyvips.Image:
    """Each frame by itself: resized as one tall strip, they would bleed into their neighbours.

    Only the resized frames are in memory, and none where nothing is resized.
    """
    height = field(strip, "page-height", strip.height)
    if (strip.width, height) == (rendering.width, rendering.height):
        fitted = resized(strip, rendering.width, rendering.height)  # libvips knows that it has pages
    else:
        frames = [
            resized(strip.crop(0, top, strip.width, height), rendering.width, rendering.height).copy_memory()
            for top in range(0, strip.height, height)
        ]
        fitted = pyvips.Image.arrayjoin(frames, across=1)
    fitted = fitted.copy()
    fitted.set_type(pyvips.GValue.gint_type, "page-height", rendering.height)
    for name in PLAYBACK:
        if type_ := strip.get_typeof(name):
            value = strip.get(name)
            fitted.set_type(type_, name, value[: rendering.frames] if name == "delay" else value)
    return fitted


def with_alpha(webp: bytes) -> bytes:
    """A WebP that says of itself that it may be transparent, as Chromium wants it.

    The encoder cuts each frame to what is not transparent: where no frame has a transparent pixel left, it does not say
    so of the canvas.
    """
    if (webp[:4], webp[8:16]) != WEBP_HEAD:
        return webp  # its frames were all the same, so that it has none
    return webp[:WEBP_FLAGS_AT] + bytes([webp[WEBP_FLAGS_AT] | WEBP_ALPHA]) + webp[WEBP_FLAGS_AT + 1 :]
