"""Finds the lightest format of a drawn picture, with as few encodings as possible."""

from collections.abc import Callable
from dataclasses import dataclass

import pyvips

from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format

SURELY_FLAT = 0.05  # bytes per pixel: AVIF is not tried if another format of a graphic has no more
PARTS = (12, 4)  # first encode only a PNG's middle rows: this fraction of all rows, then the next

Encode = Callable[[pyvips.Image, Format], bytes]


@dataclass(frozen=True)
class Look:
    """What was seen of a drawn picture."""

    is_graphic: bool
    is_full: Callable[[], bool]  # whether its colours need full resolution, which a lossy WebP has not
    sharp: Callable[[], bytes]  # a graphic's lossless WebP


PHOTO = Look(is_graphic=False, is_full=lambda: False, sharp=bytes)


def weighed(image: pyvips.Image, rendering: Rendering, encode: Encode, look: Look) -> tuple[Format, bytes]:
    """Return the lightest requested format (the first, if several are equal), and the bytes to write: in that format,
    or in the fixed one. A WebP that blurs colours never counts as the lightest in place of another format.
    """
    found = Found(image, encode)
    if look.is_graphic:
        return _of_graphic(image, rendering, found, look)
    first, *_, own = formats = (rendering.format, *rendering.against)
    if _is_own_heavier(image, rendering, encode, len(found[first])):
        tried = [first]
    elif len(found[first]) <= len(found[own]):  # a photo's own format is quick to encode
        tried = [first, own]
    else:  # the others are tried only if the first loses
        tried = [each for each in formats if each in (first, own) or each is not Format.WEBP or not look.is_full()]
    lightest = min(tried, key=lambda each: len(found[each]))
    return lightest, found[first if rendering.fixed else lightest]


def _of_graphic(image: pyvips.Image, rendering: Rendering, found: "Found", look: Look) -> tuple[Format, bytes]:
    formats = (rendering.format, *rendering.against)

    def drawn(format: Format) -> bytes:
        return look.sharp() if format is Format.WEBP and look.is_full() else found[format]

    light = min(len(drawn(each)) for each in formats if each is not Format.AVIF)
    is_flat = light <= SURELY_FLAT * image.width * image.height
    tried = [each for each in formats if each is not Format.AVIF or not is_flat]
    lightest = min(tried, key=lambda each: len(drawn(each)))
    wanted = rendering.format if rendering.fixed else lightest
    return lightest, drawn(wanted) if wanted is lightest else found[wanted]


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
