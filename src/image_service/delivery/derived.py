"""URLs of other sizes that clients derive from an image's `src` by a platform's rules: redirects to the URL of an
offered size, without any lookup or rendering.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from image_service.pixels.sizes import Size
from image_service.storage.names import VariantName

ReadSize = Callable[[str], int | None]
"""What a client puts before the extension, without the `_` -> pixels of a side, 0 for full size; None: unknown."""

_DERIVED = re.compile(r"(?P<whole>.{1,300}-[0-9]{1,5}-[0-9]{1,5})_(?P<asked>[a-z0-9_@]{1,40})(?P<ext>\.[a-z]{1,8})")


def derived(path: str, sizes: Sequence[Size], readers: Sequence[ReadSize]) -> VariantName | None:
    """The variant that `path` asks for; it may not exist. None: not such a URL."""
    match = _DERIVED.fullmatch(path)
    name = VariantName.parse(match["whole"] + match["ext"]) if match else None
    if match is None or name is None:
        return None
    for read in readers:
        side = read(match["asked"])
        if side is not None:
            return replace(name, size=str(covering(sizes, side)))
    return None


def covering(sizes: Sequence[Size], side: int) -> Size:
    """The narrowest size at least `side` wide; the largest if `side` is 0 or too wide."""
    wide = sorted(size for size in sizes if side and size.width >= side)
    return wide[0] if wide else min(sizes, key=lambda size: (size.width > 0, -size.width))
