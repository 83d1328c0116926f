"""Reads and writes animated PNG, which libvips cannot: passes it each frame as a separate PNG."""

from collections.abc import Iterator
from struct import pack

import pyvips

from image_service.pixels.animation.timing import fraction
from image_service.pixels.libvips import load, resized
from image_service.pixels.picture import Format
from image_service.pixels.structure.png.apng import CLEARED, FCTL, RESTORED, Apng
from image_service.pixels.structure.png.chunks import SIGNATURE, chunk, chunks_of

TRANSPARENT = (0, 0, 0, 0)


def shown(data: bytes, apng: Apng, fail_on: str) -> Iterator[pyvips.Image]:
    """Yield the canvas as shown during each frame, in 8-bit sRGB with alpha, in memory."""
    canvas = pyvips.Image.black(apng.width, apng.height, bands=4).copy(interpretation="srgb")
    for frame in apng.frames:
        picture = load(apng.png(data, frame), Format.PNG, fail_on=fail_on)
        picture = _rgba(resized(picture, frame.width, frame.height))
        before = canvas
        if frame.is_blended:
            under = canvas.crop(frame.left, frame.top, frame.width, frame.height)
            picture = under.composite2(picture, "over", compositing_space="srgb").cast("uchar")
        canvas = canvas.insert(picture, frame.left, frame.top).copy_memory()
        yield canvas
        if frame.disposal == CLEARED:
            hole = pyvips.Image.black(frame.width, frame.height, bands=4)
            canvas = canvas.insert(hole, frame.left, frame.top).copy_memory()
        elif frame.disposal == RESTORED:
            canvas = before


def _rgba(image: pyvips.Image) -> pyvips.Image:
    if image.bands < 3:
        image = image.colourspace("srgb")
    return image if image.hasalpha() else image.addalpha()


def encoded(strip: pyvips.Image, **options: object) -> bytes:
    """Encode an animated PNG. Each frame holds the area that differs from the previous one."""
    height, delays, plays = strip.get("page-height"), strip.get("delay"), strip.get("loop")
    frames = [strip.crop(0, top, strip.width, height) for top in range(0, strip.height, height)]
    sequence, parts, head, before = 0, list[bytes](), b"", None
    for frame, milliseconds in zip(frames, delays, strict=True):
        left, top, width, tall = (0, 0, strip.width, height) if before is None else _changed(before, frame)
        png = frame.crop(left, top, width, tall).pngsave_buffer(keep="none", **options)
        parts.append(chunk(b"fcTL", FCTL.pack(sequence, width, tall, left, top, *fraction(milliseconds), 0, 0)))
        sequence += 1
        for each in chunks_of(png):
            if each.kind == b"IHDR" and before is None:
                head = chunk(b"IHDR", bytes(each.body))
            elif each.kind == b"IDAT" and before is None:
                parts.append(chunk(b"IDAT", bytes(each.body)))
            elif each.kind == b"IDAT":
                parts.append(chunk(b"fdAT", pack(">I", sequence) + bytes(each.body)))
                sequence += 1
        before = frame
    control = chunk(b"acTL", pack(">II", len(frames), plays))
    return b"".join((SIGNATURE, head, control, *parts, chunk(b"IEND", b"")))


def _changed(before: pyvips.Image, after: pyvips.Image) -> tuple[int, int, int, int]:
    """Return left, top, width and height of the changed area; of one pixel if nothing changed."""
    differs = (before != after).bandor()
    left, top, width, height = differs.find_trim(background=0, threshold=1, line_art=True)
    return (left, top, width, height) if width and height else (0, 0, 1, 1)
