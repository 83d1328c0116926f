"""The frames of an animation, fitted, one below the other in a strip that libvips takes for pages."""

from collections.abc import Iterable

import pyvips

from image_service.pixels.animation.apng import shown
from image_service.pixels.libvips import field, load, resized
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.structure.png.apng import apng_of

PAGE_HEIGHT, DELAYS, LOOP = "page-height", "delay", "loop"  # pixels; milliseconds of each; how often, 0 for ever
OPAQUE = 255
WEBP_HEAD = (b"RIFF", b"WEBPVP8X")  # of a file with frames: the words before and behind its length
WEBP_FLAGS_AT = 20
WEBP_ALPHA = 0x10


def fitted_frames(data: bytes, rendering: Rendering) -> pyvips.Image:
    """To be read once from the first to the last. Damage is an error."""
    if rendering.original is Format.PNG:
        return _of_apng(data, rendering)
    return _of_pages(load(data, rendering.original, fail_on="error", n=rendering.frames), rendering)


def _of_apng(data: bytes, rendering: Rendering) -> pyvips.Image:
    apng = apng_of(data)
    if apng is None or len(apng.frames) != rendering.frames:
        raise pyvips.Error("another animation than was checked")
    frames = shown(data, apng, "error")
    strip = _joined((resized(each, rendering.width, rendering.height) for each in frames), rendering)
    if strip[strip.bands - 1].min() == OPAQUE:
        strip = strip[: strip.bands - 1].copy()
    strip.set_type(pyvips.GValue.array_int_type, DELAYS, [frame.milliseconds for frame in apng.frames])
    strip.set_type(pyvips.GValue.gint_type, LOOP, apng.plays)
    return strip


def _of_pages(strip: pyvips.Image, rendering: Rendering) -> pyvips.Image:
    """Each frame by itself: resized as one tall strip, they would bleed into their neighbours.

    Only the resized frames are in memory, and none where nothing is resized.
    """
    height = field(strip, PAGE_HEIGHT, strip.height)
    if (strip.width, height) == (rendering.width, rendering.height):
        fitted = resized(strip, rendering.width, rendering.height).copy()  # libvips knows that it has pages
    else:
        tops = range(0, strip.height, height)
        frames = (strip.crop(0, top, strip.width, height) for top in tops)
        fitted = _joined((resized(each, rendering.width, rendering.height) for each in frames), rendering)
    fitted.set_type(pyvips.GValue.gint_type, PAGE_HEIGHT, rendering.height)
    if type_ := strip.get_typeof(DELAYS):
        fitted.set_type(type_, DELAYS, strip.get(DELAYS)[: rendering.frames])
    if type_ := strip.get_typeof(LOOP):
        fitted.set_type(type_, LOOP, strip.get(LOOP))
    return fitted


def _joined(frames: Iterable[pyvips.Image], rendering: Rendering) -> pyvips.Image:
    strip = pyvips.Image.arrayjoin([each.copy_memory() for each in frames], across=1).copy()
    strip.set_type(pyvips.GValue.gint_type, PAGE_HEIGHT, rendering.height)
    return strip


def with_alpha(webp: bytes) -> bytes:
    """A WebP that says of itself that it may be transparent, as Chromium wants it.

    The encoder cuts each frame to what is not transparent: where no frame has a transparent pixel left, it does not say
    so of the canvas.
    """
    if (webp[:4], webp[8:16]) != WEBP_HEAD:
        return webp  # its frames were all the same, so that it has none
    return webp[:WEBP_FLAGS_AT] + bytes([webp[WEBP_FLAGS_AT] | WEBP_ALPHA]) + webp[WEBP_FLAGS_AT + 1 :]
