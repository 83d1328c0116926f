"""Renders several variants of one picture from one decode. Encodes each format of a size once, and compares the sizes
in bytes.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby

import pyvips

from image_service.pixels.colour.chroma import is_worth_a_look
from image_service.pixels.encoders import plain, write
from image_service.pixels.libvips import STRICT, drawn, field, jpeg_shrink, load
from image_service.pixels.messages import MAX_PIXELS, Rendering
from image_service.pixels.picture import TURNED, Format
from image_service.pixels.render import drawn_of, looked_at, open_still, render
from image_service.pixels.sizes import SPARE
from image_service.pixels.structure.png.apng import apng_of
from image_service.pixels.weighing import PHOTO, Encode, Found, Look, weighed

Looked = tuple[pyvips.Image, Encode, Look]


def render_family(source: bytes, targets: Sequence[int], renderings: Sequence[Rendering]) -> list[Format]:
    """Draw a still picture into the open files; renderings of one size are adjacent, larger sizes first. Returns the
    lightest requested format of each. No rendering has more than `MAX_PIXELS`.

    Raises `pyvips.Error` like `render`.
    """
    if len(renderings) == 1 and renderings[0].effort is None:
        return [render(source, targets[0], renderings[0])[0]]  # takes less memory
    return drawn_of(source, renderings[0].original, targets, lambda data: _drawn(data, targets, renderings))


def render_kept_family(pixels: pyvips.Image, targets: Sequence[int], renderings: Sequence[Rendering]) -> list[Format]:
    """Like `render_family`, but from kept pixels."""
    cascade = Cascade(pixels)

    def looked(rendering: Rendering) -> Looked:
        return cascade.draw(rendering), partial(plain, effort=rendering.effort), PHOTO

    return _written(looked, targets, renderings)


class Cascade:
    """Draws each size of a JPEG from the smallest picture with enough pixels: the decoded one, or a larger size of it.

    Other pictures may be graphics, whose edges and colours each further step would change: always from the decoded one.
    """

    def __init__(self, pixels: pyvips.Image) -> None:
        self._pixels = pixels  # in memory, not rotated yet
        self._sizes: list[pyvips.Image] = []

    def draw(self, rendering: Rendering) -> pyvips.Image:
        width, height = rendering.width, rendering.height
        enough = (each for each in self._sizes if each.width >= SPARE * width and each.height >= SPARE * height)
        image = drawn(min(enough, key=lambda each: int(each.width), default=self._pixels), width, height)
        if rendering.original is Format.JPG:
            self._sizes.append(image)
        return image


def _drawn(data: bytes, targets: Sequence[int], renderings: Sequence[Rendering]) -> list[Format]:
    pixels = _pixels(data, renderings)
    cascade = None if pixels is None else Cascade(pixels)

    def looked(rendering: Rendering) -> Looked:
        image = open_still(data, rendering) if cascade is None else cascade.draw(rendering)
        if is_worth_a_look(image):
            return looked_at(image, data, rendering)
        return image.copy_memory(), partial(plain, effort=rendering.effort), PHOTO

    return _written(looked, targets, renderings)


def _pixels(data: bytes, renderings: Sequence[Rendering]) -> pyvips.Image | None:
    """Decode what the largest rendering needs, in memory; None if that is too much: each size is then decoded alone."""
    largest = max(renderings, key=lambda each: each.width * each.height)
    original = largest.original
    if original is Format.PNG and apng_of(data):
        return None
    open_it = partial(load, data, original, fail_on=STRICT if original is Format.JPG else "error")
    image = open_it()
    if original is Format.JPG:
        width, height = largest.width, largest.height
        turned = (height, width) if field(image, "orientation", 1) in TURNED else (width, height)
        image = open_it(shrink=jpeg_shrink(image.width, image.height, *turned))
    return image.copy_memory() if image.width * image.height <= MAX_PIXELS else None


def _written(
    looked: Callable[[Rendering], Looked], targets: Sequence[int], renderings: Sequence[Rendering]
) -> list[Format]:
    lightest = []
    for _, same in groupby(zip(targets, renderings, strict=True), key=lambda each: (each[1].width, each[1].height)):
        one_size = list(same)
        image, encode, look = looked(one_size[0][1])
        encode_once = partial(_once, image, Found(image, encode), encode)
        for target, rendering in one_size:
            format, data = rendering.format, b""
            if rendering.against:
                format, data = weighed(image, rendering, encode_once, look)
            write(target, data or encode_once(image, rendering.format))
            lightest.append(format)
    return lightest


def _once(whole: pyvips.Image, found: Found, encode: Encode, image: pyvips.Image, format: Format) -> bytes:
    """Encode the whole picture once per format. Parts of it, for comparisons, are encoded each time."""
    return found[format] if image is whole else encode(image, format)
