"""Renders a variant: opens and resizes the picture, flattens it onto white if needed, and encodes it."""

import os
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import TypeVar

import pyvips

from image_service.pixels.animation import apng
from image_service.pixels.animation.frames import fitted_frames, samples, with_alpha
from image_service.pixels.colour.chroma import is_worth_a_look, needs_full
from image_service.pixels.encoders import (
    ENCODERS,
    LOSSLESS,
    encoded,
    is_lighter_without_loss,
    lossless_webp,
    plain,
    stream,
    write,
)
from image_service.pixels.graphics import graphic_of
from image_service.pixels.keeping import Keep
from image_service.pixels.libvips import JUNK_BEFORE_END, MOST_JUNK, STRICT, load, resized, thumbnail
from image_service.pixels.messages import MAX_PIXELS, Rendering
from image_service.pixels.picture import ANIMATED, BANDS, Format, Pixels
from image_service.pixels.structure.png.apng import apng_of
from image_service.pixels.structure.walk import tidied
from image_service.pixels.structure.walk_jpeg import without_junk
from image_service.pixels.weighing import PHOTO, Encode, Look, weighed

ALL = 255  # alpha value of opaque pixels

Drawn = TypeVar("Drawn")


def render_kept(pixels: pyvips.Image, target: int, rendering: Rendering) -> Format:
    """Draw a still picture from its kept pixels. Returns the lightest format, like `render`.

    Raises `pyvips.Error`.
    """
    return encode_plain(resized(pixels, rendering.width, rendering.height), target, rendering)


def render(source: bytes, target: int, rendering: Rendering, keep: Keep | None = None) -> tuple[Format, Pixels | None]:
    """Draw `source`, a probed picture, into the open file `target`, without any metadata. Returns the lightest
    requested format (which was drawn, unless the format is fixed), and what was written to `keep`.

    Raises `pyvips.Error` if the bytes are damaged or cannot be written. `target` may then be incomplete.
    """
    return drawn_of(source, rendering.original, [target], lambda data: run(data, target, rendering, keep))


def drawn_of(source: bytes, original: Format, targets: Sequence[int], draw: Callable[[bytes], Drawn]) -> Drawn:
    """Return `draw` of the picture in `source`, which writes to `targets`. Repairs a JPEG first if needed."""
    data = tidied(source, original)
    for _ in range(MOST_JUNK):
        try:
            return draw(data)
        except pyvips.Error as error:
            junk = JUNK_BEFORE_END.search(str(error)) if original is Format.JPG else None
            if junk is None:
                raise
            data = without_junk(data, int(junk[1]))
            for target in targets:  # the retry rewrites the same bytes, and continues
                os.lseek(target, 0, os.SEEK_SET)
    raise pyvips.Error("too much behind the pixels")


def run(data: bytes, target: int, rendering: Rendering, keep: Keep | None) -> tuple[Format, Pixels | None]:
    if keep is not None and rendering.original is Format.JPG:
        opened = load(data, Format.JPG, fail_on=STRICT)
        shrink = keep.shrink(opened)
        if shrink is not None:
            image = load(data, Format.JPG, fail_on=STRICT, shrink=shrink).copy_memory()
            kept = keep.write(keep.pixels_of(image, shrink))
            if kept is not None or not is_worth_a_look(image):
                return render_kept(image, target, rendering), kept
    if rendering.frames > 1 and rendering.format in ANIMATED:
        encode_frames(fitted_frames(data, rendering), data, target, rendering)
    else:
        return encode_still(open_still(data, rendering), data, target, rendering), None
    return rendering.format, None


def open_still(data: bytes, rendering: Rendering) -> pyvips.Image:
    """Open it upright, in sRGB and resized. Fails on damage, as renders are served permanently."""
    # Tidying adds an end to a JPEG that was truncated after its check: libjpeg then only warns of missing data.
    if rendering.original is Format.PNG and (outline := apng_of(data)):
        return resized(next(apng.shown(data, outline, "error")), rendering.width, rendering.height)
    fail_on = STRICT if rendering.original is Format.JPG else "error"
    return thumbnail(data, rendering.original, rendering.width, rendering.height, fail_on=fail_on)


def without_useless_alpha(image: pyvips.Image) -> pyvips.Image:
    """Return a picture in memory without its alpha if nothing is transparent."""
    if not image.hasalpha() or image[image.bands - 1].min() < ALL:
        return image
    return image[: image.bands - 1]


def encode_plain(image: pyvips.Image, target: int, rendering: Rendering) -> Format:
    """Encode without looking at the picture's colours."""
    if not rendering.against or image.width * image.height > MAX_PIXELS:
        stream(image, target, rendering.format)
        return rendering.format
    lightest, drawn = weighed(image.copy_memory(), rendering, plain, PHOTO)
    write(target, drawn)
    return lightest


def encode_still(image: pyvips.Image, data: bytes, target: int, rendering: Rendering) -> Format:
    if not is_worth_a_look(image) or image.width * image.height > MAX_PIXELS:
        return encode_plain(image, target, rendering)
    image, encode, look = looked_at(image, data, rendering)
    if rendering.against:
        lightest, drawn = weighed(image, rendering, encode, look)
    else:
        lightest, drawn = rendering.format, encode(image, rendering.format)
    write(target, drawn)
    return lightest


def looked_at(image: pyvips.Image, data: bytes, rendering: Rendering) -> tuple[pyvips.Image, Encode, Look]:
    """Return the drawn picture in memory, its best encoder, and what was seen of it."""
    image = without_useless_alpha(image.copy_memory())
    graphic = graphic_of(image, data, rendering)
    is_full = cache(lambda: image.bands >= BANDS and needs_full(image))  # 5 ms, once for all formats
    sharp = cache(lambda: lossless_webp(graphic.rounded(image) if graphic else image))
    encode = partial(encoded, graphic=graphic, is_full=is_full, sharp=sharp, effort=rendering.effort)
    return image, encode, Look(graphic is not None, is_full, sharp)


def encode_frames(strip: pyvips.Image, data: bytes, target: int, rendering: Rendering) -> None:
    _, options = ENCODERS[rendering.format]
    if rendering.format is Format.PNG:
        write(target, apng.encoded(strip, **options))
    elif rendering.format is Format.WEBP:
        if strip.width * strip.height <= MAX_PIXELS:
            strip = strip.copy_memory()
            if graphic_of(strip, data, rendering) and is_lighter_without_loss(samples(strip)):
                options = options | LOSSLESS
        webp = strip.webpsave_buffer(keep="none", **options)
        write(target, with_alpha(webp) if strip.hasalpha() else webp)
    else:
        stream(strip, target, rendering.format)
