"""Writes and reads a JPEG's decoded pixels, for later renders. Only the pixel processes import this."""

import os
from dataclasses import dataclass

import pyvips

from image_service.pixels.colour.chroma import is_worth_a_look, needs_full
from image_service.pixels.colour.profiles import PROFILE
from image_service.pixels.libvips import JPEG_SHRINKS, drawn, field, jpeg_shrink
from image_service.pixels.picture import BANDS, TURNED, Pixels
from image_service.pixels.sizes import SRC_SIZE

ORIENTATION = "orientation"
UNSHRUNK = min(JPEG_SHRINKS)


@dataclass(frozen=True)
class Keep:
    """An open file for the pixels of a JPEG: as decoded for `SRC_SIZE`, or in exactly that size if the decoder does not
    shrink the picture.
    """

    file: int
    bytes: int  # at most
    small: bool  # also keep a picture that the decoder does not shrink, which makes its check slower

    def shrink(self, image: pyvips.Image) -> int | None:
        """Return the factor to shrink this JPEG while decoding; None: do not keep its pixels."""
        least = src_sides(image)
        turned = field(image, ORIENTATION, 1) in TURNED
        shrink = jpeg_shrink(image.width, image.height, *(reversed(least) if turned else least))
        width, height = (image.width // shrink, image.height // shrink) if shrink > UNSHRUNK else least
        fits = width * height * BANDS <= self.bytes
        return shrink if fits and is_plain(image) and (self.small or shrink > UNSHRUNK) else None

    def pixels_of(self, image: pyvips.Image, shrink: int) -> pyvips.Image:
        """Return what to keep of `image`, which is in memory, decoded with `shrink` and not rotated yet."""
        if shrink > UNSHRUNK:
            return image
        return drawn(image, *src_sides(image))

    def write(self, image: pyvips.Image) -> Pixels | None:
        """Write `image`, in memory. Returns None if the file cannot hold it (it is optional), or if rendering needs its
        full colours, which the file would lose.
        """
        profile = bytes(image.get(PROFILE)) if image.get_typeof(PROFILE) else b""
        pixels = Pixels(image.width, image.height, field(image, ORIENTATION, 1), len(profile))
        if not is_plain(image) or pixels.bytes > self.bytes or (is_worth_a_look(image) and needs_full(image)):
            return None
        try:
            os.lseek(self.file, 0, os.SEEK_SET)  # a second try rewrites the same bytes
            for data in (image.write_to_memory(), profile):
                left = memoryview(data)
                while left:
                    left = left[os.write(self.file, left) :]
        except OSError:
            return None
        return pixels


def src_sides(image: pyvips.Image) -> tuple[int, int]:
    """Return the sides of this picture's variant in `SRC_SIZE`, upright."""
    sides = image.width, image.height
    return SRC_SIZE.fit(*(reversed(sides) if field(image, ORIENTATION, 1) in TURNED else sides))


def is_plain(image: pyvips.Image) -> bool:
    """Whether it is 8-bit RGB, as nearly all photos are: its rows need no description."""
    return bool(image.bands == BANDS and image.format == "uchar" and image.interpretation == "srgb")


def opened(data: bytes, pixels: Pixels) -> pyvips.Image:
    """Open the picture from its kept pixels."""
    rows = memoryview(data)[: pixels.bytes - pixels.profile]
    image = pyvips.Image.new_from_memory(rows, pixels.width, pixels.height, BANDS, "uchar").copy(interpretation="srgb")
    image.set_type(pyvips.GValue.gint_type, ORIENTATION, pixels.orientation)
    if pixels.profile:
        image.set_type(pyvips.GValue.blob_type, PROFILE, data[len(rows) : pixels.bytes])
    return image
