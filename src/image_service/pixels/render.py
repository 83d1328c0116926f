"""Renders a variant: opened and fitted, laid on white where it must be, and encoded."""

import os
from typing import Any

import pyvips

from image_service.pixels.animation import apng
from image_service.pixels.animation.frames import fitted_frames, with_alpha
from image_service.pixels.colour.chroma import FULL, filled_beneath, may_need_full, needs_full
from image_service.pixels.keeping import Keep
from image_service.pixels.libvips import JUNK_BEFORE_END, MOST_JUNK, STRICT, load, resized, thumbnail
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import ANIMATED, Format, Pixels
from image_service.pixels.structure.png.apng import apng_of
from image_service.pixels.structure.png.walk_png import size_of_palette_png
from image_service.pixels.structure.walk import tidied
from image_service.pixels.structure.walk_jpeg import without_junk

# A variant is rendered once and sent for ever, but a shopper waits for the first: each encoder is at the knee of its
# curve. Times: one busy core, 640 x 480 of a grainy photo; the ratios hold, the times vary. See docs/decisions/0057.
ENCODERS: dict[Format, tuple[str, dict[str, Any]]] = {
    Format.JPG: (
        "jpegsave_target",
        {
            # By this table, and baseline: 3 ms. Trellis quantisation, by the standard's table at 82, takes 31 ms for as
            # many bytes and less likeness; Huffman tables of its own save 1.3 % of the bytes and take as long again,
            # progressive scans 2 % and 4 ms more.
            "Q": 80,
            "quant_table": 3,
        },
    ),
    # 9 saves 2 to 4 % more and takes twice the time. Filters save 15 to 40 % of photos, at 68 ms for 13, and bring what
    # repeats from row to row from 115 MB to 0.2.
    Format.PNG: ("pngsave_target", {"compression": 6, "filter": "all"}),
    Format.GIF: ("gifsave_target", {"effort": 1}),  # 12 frames: 0.9 s; 1.4 s at the default of 7, for 2 % fewer bytes
    Format.WEBP: ("webpsave_target", {"Q": 80, "effort": 2}),  # 18 ms; effort 4 takes 40 ms for 3 % fewer bytes
    Format.AVIF: (
        "heifsave_target",
        {"compression": "av1", "Q": 60, "effort": 0},  # 30 ms; effort 1: 130 ms, 9 % fewer bytes; 2: 200 ms, no fewer
    ),
}
# Of a PNG with a palette at its full size: the very colours (at less effort some are off by one), in half the bytes.
PALETTE: dict[str, Any] = {"palette": True, "Q": 100, "dither": 0, "effort": 5}
PALETTE_MAX_PIXELS = 25_000_000  # it holds 7 bytes for each
OPAQUE = (Format.JPG,)
WHITE = (255, 255, 255)
ALL = 255  # of alpha: not transparent


def render_kept(pixels: pyvips.Image, target: int, rendering: Rendering) -> None:
    """Draw a still picture of which the pixels were kept. Raises `pyvips.Error`."""
    encode(flatten(resized(pixels, rendering.width, rendering.height), rendering), target, rendering)


def render(source: bytes, target: int, rendering: Rendering, keep: Keep | None = None) -> Pixels | None:
    """Draw `source`, a probed picture, into the open file `target`, without any metadata; what was written for `keep`.

    Raises `pyvips.Error` if the bytes are damaged or cannot be written; a part may have been written then.
    """
    data = tidied(source, rendering.original)
    for _ in range(MOST_JUNK):
        try:
            kept = run(data, target, rendering, keep)
        except pyvips.Error as error:
            junk = JUNK_BEFORE_END.search(str(error)) if rendering.original is Format.JPG else None
            if junk is None:
                raise
            data = without_junk(data, int(junk[1]))
            os.lseek(target, 0, os.SEEK_SET)  # the same pixels: what has been written is written again, and goes on
        else:
            return kept
    raise pyvips.Error("too much behind the pixels")


def run(data: bytes, target: int, rendering: Rendering, keep: Keep | None) -> Pixels | None:
    if keep is not None and rendering.original is Format.JPG:
        opened = load(data, Format.JPG, fail_on=STRICT)
        shrink = keep.shrink(opened)
        if shrink is not None:
            image = load(data, Format.JPG, fail_on=STRICT, shrink=shrink).copy_memory()
            kept = keep.write(image)
            if kept is not None or not may_need_full(image):
                render_kept(image, target, rendering)
                return kept
    if rendering.frames > 1 and rendering.format in ANIMATED:
        encode_frames(fitted_frames(data, rendering), target, rendering)
    else:
        image, options = open_still(data, rendering), dict[str, Any]()
        if may_need_full(image) and rendering.format in FULL:
            image = without_useless_alpha(image.copy_memory())
            if image.hasalpha() and rendering.format is Format.AVIF:
                image, options = filled_beneath(image), FULL[rendering.format]
            elif needs_full(image):
                options = FULL[rendering.format]
        image = flatten(image, rendering)
        if keeps_palette(data, image, rendering):
            options = PALETTE
        encode(image, target, rendering, **options)
    return None


def open_still(data: bytes, rendering: Rendering) -> pyvips.Image:
    """Upright, sRGB and fitted already. Damage is an error, for what is rendered here is served for ever."""
    # A JPEG that was cut since its check has an end once it is tidied: libjpeg then only warns of what is missing.
    if rendering.original is Format.PNG and (outline := apng_of(data)):
        return resized(next(apng.shown(data, outline, "error")), rendering.width, rendering.height)
    fail_on = STRICT if rendering.original is Format.JPG else "error"
    return thumbnail(data, rendering.original, rendering.width, rendering.height, fail_on=fail_on)


def without_useless_alpha(image: pyvips.Image) -> pyvips.Image:
    """Of a picture in memory: without its alpha if nothing is transparent."""
    if not image.hasalpha() or image[image.bands - 1].min() < ALL:
        return image
    return image[: image.bands - 1]


def flatten(image: pyvips.Image, rendering: Rendering) -> pyvips.Image:
    """Lay transparency on white where the format cannot hold it."""
    if rendering.format not in OPAQUE or not image.hasalpha():
        return image
    return image.flatten(background=WHITE[: image.bands - 1])


def keeps_palette(data: bytes, image: pyvips.Image, rendering: Rendering) -> bool:
    """Whether what is drawn has the colours of a PNG's palette, and no others: resizing mixes them. Under full
    transparency they would not stay.
    """
    return (
        rendering.original is rendering.format is Format.PNG
        and not image.hasalpha()
        and size_of_palette_png(data) == (rendering.width, rendering.height)
        and rendering.width * rendering.height <= PALETTE_MAX_PIXELS
    )


def encode(image: pyvips.Image, target: int, rendering: Rendering, **more: object) -> None:
    save, options = ENCODERS[rendering.format]
    getattr(image, save)(pyvips.Target.new_to_descriptor(target), keep="none", **options | more)


def encode_frames(strip: pyvips.Image, target: int, rendering: Rendering) -> None:
    _, options = ENCODERS[rendering.format]
    if rendering.format is Format.PNG:
        write(target, apng.encoded(strip, **options))
    elif rendering.format is Format.WEBP and strip.hasalpha():
        write(target, with_alpha(strip.webpsave_buffer(keep="none", **options)))
    else:
        encode(strip, target, rendering)


def write(target: int, data: bytes) -> None:
    with open(target, "wb", closefd=False) as file:
        file.write(data)
