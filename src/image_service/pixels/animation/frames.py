"""Joins an animation's resized frames to a vertical strip, which libvips treats as pages."""

from collections.abc import Iterable

import pyvips

from image_service.pixels.animation.apng import shown
from image_service.pixels.animation.timing import held_delays, held_plays
from image_service.pixels.libvips import field, load, resized
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.structure.png.apng import apng_of

PAGE_HEIGHT, DELAYS, LOOP = "page-height", "delay", "loop"  # pixels; milliseconds of each; number of plays, 0 for ever
OPAQUE = 255
SAMPLE_PIXELS = 300_000  # of a frame
WEBP_HEAD = (b"RIFF", b"WEBPVP8X")  # of an animated file: the bytes before and after its length
WEBP_FLAGS_AT = 20
WEBP_ALPHA = 0x10


def fitted_frames(data: bytes, rendering: Rendering) -> pyvips.Image:
    """Return the strip, to be read once, in order. Fails on damage."""
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
    _set_timing(strip, [frame.milliseconds for frame in apng.frames], apng.plays, rendering.format)
    return strip


def _of_pages(strip: pyvips.Image, rendering: Rendering) -> pyvips.Image:
    """Resize each frame separately: resized as one tall strip, frames would bleed into their neighbours.

    Holds only the resized frames in memory, or none if the size stays the same.
    """
    height = field(strip, PAGE_HEIGHT, strip.height)
    if (strip.width, height) == (rendering.width, rendering.height):
        fitted = resized(strip, rendering.width, rendering.height).copy()  # libvips treats it as pages
    else:
        tops = range(0, strip.height, height)
        frames = (strip.crop(0, top, strip.width, height) for top in tops)
        fitted = _joined((resized(each, rendering.width, rendering.height) for each in frames), rendering)
    fitted.set_type(pyvips.GValue.gint_type, PAGE_HEIGHT, rendering.height)
    _set_timing(fitted, strip.get(DELAYS)[: rendering.frames], strip.get(LOOP), rendering.format)
    return fitted


def _joined(frames: Iterable[pyvips.Image], rendering: Rendering) -> pyvips.Image:
    strip = pyvips.Image.arrayjoin([each.copy_memory() for each in frames], across=1).copy()
    strip.set_type(pyvips.GValue.gint_type, PAGE_HEIGHT, rendering.height)
    return strip


def samples(strip: pyvips.Image) -> list[pyvips.Image]:
    """Return the middle rows of the first, the middle and the last frame, in memory, of a strip in memory."""
    height = strip.get(PAGE_HEIGHT)
    last = strip.height // height - 1
    rows = min(height, max(SAMPLE_PIXELS // strip.width, 1))
    tops = (height * each + (height - rows) // 2 for each in sorted({0, last // 2, last}))
    frames = [strip.crop(0, top, strip.width, rows).copy_memory() for top in tops]
    for frame in frames:
        frame.set_type(pyvips.GValue.gint_type, PAGE_HEIGHT, rows)
    return frames


def _set_timing(strip: pyvips.Image, milliseconds: list[int], plays: int, format: Format) -> None:
    strip.set_type(pyvips.GValue.array_int_type, DELAYS, held_delays(milliseconds, format))
    strip.set_type(pyvips.GValue.gint_type, LOOP, held_plays(plays, format))


def with_alpha(webp: bytes) -> bytes:
    """Set the WebP's alpha flag, which Chromium requires.

    The encoder crops each frame to its opaque area. If no cropped frame has a transparent pixel, it does not set the
    canvas's flag.
    """
    if (webp[:4], webp[8:16]) != WEBP_HEAD:
        return webp  # all frames were equal, so the file is not animated
    return webp[:WEBP_FLAGS_AT] + bytes([webp[WEBP_FLAGS_AT] | WEBP_ALPHA]) + webp[WEBP_FLAGS_AT + 1 :]
