"""Finds the lightest format of a drawn picture, with as few encodings as possible."""

from collections.abc import Callable

import pyvips

from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format

SURELY_FLAT = 0.05  # bytes per pixel: AVIF is not tried if another format of a graphic has no more
PARTS = (12, 4)  # first encode only a PNG's middle rows: this fraction of all rows, then the next

Encode = Callable[[pyvips.Image, Format], bytes]


def weighed(image: pyvips.Image, rendering: Rendering, encode: Encode, *, is_graphic: bool) -> tuple[Format, bytes]:
    """Return the lightest requested format (the first, if several are equal), and the bytes to write: in that format,
    or in the fixed one.
    """
    found = Found(image, encode)
    first, *_, own = formats = (rendering.format, *rendering.against)
    if is_graphic:
        light = min(len(found[each]) for each in formats if each is not Format.AVIF)
        tried = [
            each for each in formats if each is not Format.AVIF or light > SURELY_FLAT * image.width * image.height
        ]
    elif _is_own_heavier(image, rendering, encode, len(found[first])):
        tried = [first]
    else:  # a photo's own format is quick to encode; the others are tried only if the first loses
        tried = [first, own] if len(found[first]) <= len(found[own]) else list(formats)
    lightest = min(tried, key=lambda each: len(found[each]))
    return lightest, found[first if rendering.fixed else lightest]


class Found(dict[Format, bytes]):
    """Encodes each format at first use."""

    def __init__(self, image: pyvips.Image, encode: Encode) -> None:
        self._image = image
        self._encode = encode

    def __missing__(self, format: Format) -> bytes:
        self[format] = self._encode(self._image, format)
        return self[format]


def _is_own_heavier(image: pyvips.Image, rendering: Rendering, encode: Encode, least: int) -> bool:
    """Whether a photo in its own format surely has `least` bytes or more: it is stored, or a part of its PNG has more.
    The whole PNG takes four times as long as the rest.
    """
    if rendering.own_bytes is not None:
        return rendering.own_bytes >= least
    own = rendering.against[-1]
    if own is not Format.PNG:
        return False
    some = [rows for part in PARTS if (rows := image.height // part)]
    parts = (image.crop(0, (image.height - rows) // 2, image.width, rows) for rows in some)
    return any(len(encode(part, own)) > least for part in parts)
