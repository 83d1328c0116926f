"""Which format is the lightest for a picture that has been drawn: found by encoding no more of them than it takes."""

from collections.abc import Callable

import pyvips

from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format

SURELY_FLAT = 0.05  # bytes for each pixel of a graphic in another format: AVIF is not tried
PARTS = (12, 4)  # a PNG's rows are encoded in their middle alone first: one in so many, then more

Encode = Callable[[pyvips.Image, Format], bytes]


def weighed(image: pyvips.Image, rendering: Rendering, encode: Encode, *, is_graphic: bool) -> tuple[Format, bytes]:
    """The lightest of the formats that are asked about, the first of those that weigh the same; and the bytes to write:
    in that format, or in the one that is fixed.
    """
    found = Found(image, encode)
    first, *_, own = formats = (rendering.format, *rendering.against)
    if is_graphic:
        light = min(len(found[each]) for each in formats if each is not Format.AVIF)
        tried = [
            each for each in formats if each is not Format.AVIF or light > SURELY_FLAT * image.width * image.height
        ]
    elif _is_surely_heavier(image, own, encode, len(found[first])):
        tried = [first]
    else:  # a photo's own format costs little beside the first; the others only where that loses
        tried = [first, own] if len(found[first]) <= len(found[own]) else list(formats)
    lightest = min(tried, key=lambda each: len(found[each]))
    return lightest, found[first if rendering.fixed else lightest]


class Found(dict[Format, bytes]):
    """Encoded when first asked for."""

    def __init__(self, image: pyvips.Image, encode: Encode) -> None:
        self._image = image
        self._encode = encode

    def __missing__(self, format: Format) -> bytes:
        self[format] = self._encode(self._image, format)
        return self[format]


def _is_surely_heavier(image: pyvips.Image, own: Format, encode: Encode, least: int) -> bool:
    """A photo's PNG takes four times as long as the rest, and a part of its rows has more bytes than its AVIF."""
    if own is not Format.PNG:
        return False
    some = [rows for part in PARTS if (rows := image.height // part)]
    parts = (image.crop(0, (image.height - rows) // 2, image.width, rows) for rows in some)
    return any(len(encode(part, own)) > least for part in parts)
