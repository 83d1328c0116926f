"""Writes and reads a JPEG's decoded pixels, for later renders. Only the pixel processes import this."""

import os
from dataclasses import dataclass

import pyvips

from image_service.pixels.colour.chroma import is_worth_a_look, needs_full
from image_service.pixels.colour.profiles import PROFILE
from image_service.pixels.libvips import JPEG_SHRINKS, field, jpeg_shrink
from image_service.pixels.picture import BANDS, TURNED, Pixels
from image_service.pixels.sizes import SRC_SIZE

ORIENTATION = "orientation"


@dataclass(frozen=True)
class Keep:
    """An open file for the pixels of a JPEG, decoded for `SRC_SIZE`."""

    file: int
    bytes: int  # at most
    small: bool  # also keep a picture that is decoded unshrunk, which makes its check slower

    def shrink(self, image: pyvips.Image) -> int | None:
        """Return the factor to shrink this JPEG while decoding; None: do not keep its pixels."""
        turned = field(image, ORIENTATION, 1) in TURNED
        upright = (image.height, image.width) if turned else (image.width, image.height)
        least = SRC_SIZE.fit(*upright)
        shrink = jpeg_shrink(image.width, image.height, *(reversed(least) if turned else least))
        fits = image.width * image.height * BANDS <= self.bytes * shrink**2
        return shrink if fits and is_plain(image) and (self.small or shrink > min(JPEG_SHRINKS)) else None

    def write(self, image: pyvips.Image) -> Pixels | None:
        """Write `image`, in memory and not rotated yet. Returns None if the file cannot hold it (it is optional), or if
        rendering needs its full colours, which the file would lose.
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
