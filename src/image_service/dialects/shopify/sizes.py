"""The sizes that Shopify's clients and themes write into URLs themselves: `_small`, `_100x100`, `_x200@2x`."""

import math
import re

NAMED = {
    "pico": 16,
    "icon": 32,
    "thumb": 50,
    "small": 100,
    "compact": 160,
    "medium": 240,
    "large": 480,
    "grande": 600,
    "original": 0,
    "master": 0,
}
_ASKED = re.compile(
    rf"(?:(?P<name>{'|'.join(NAMED)})|(?P<width>[1-9][0-9]{{0,3}})?x(?P<height>[1-9][0-9]{{0,3}})?)"
    r"(?:_crop_(?:center|top|bottom|left|right))?"  # ignored: the service never crops
    r"(?:@(?P<scale>[23])x)?"
)


WIDEST = 16 / 9  # width over height of a picture that a height alone still covers


def read_size(asked: str) -> int | None:
    """The width in pixels that covers the size, 0 for full size; None if `asked` is no size."""
    match = _ASKED.fullmatch(asked)
    if match is None:
        return None
    scale = int(match["scale"] or 1)
    if match["name"]:
        return NAMED[match["name"]] * scale
    if match["width"] is None:
        return math.ceil(int(match["height"] or 0) * scale * WIDEST) or None
    return max(int(match["width"]), int(match["height"] or 0)) * scale
