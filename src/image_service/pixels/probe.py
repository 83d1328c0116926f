"""Is this file a picture that we take? Its structure, the limits, then one full decode."""

import base64
import math
from dataclasses import replace

import pyvips
import thumbhash

from image_service.pixels.libvips import (
    JPEG_SHRINKS,
    TURNED,
    eight_bit,
    field,
    is_out_of_memory,
    thumbnail,
    to_srgb,
    to_the_last_row,
)
from image_service.pixels.limits import Limits, broken
from image_service.pixels.messages import Probe
from image_service.pixels.picture import ANIMATED, Format
from image_service.pixels.sizes import Size
from image_service.pixels.structure.outline import Structure
from image_service.pixels.structure.walk import read_structure

LOAD = {
    Format.GIF: pyvips.Image.gifload_buffer,
    Format.JPG: pyvips.Image.jpegload_buffer,
    Format.PNG: pyvips.Image.pngload_buffer,
    Format.WEBP: pyvips.Image.webpload_buffer,
    Format.AVIF: pyvips.Image.heifload_buffer,
}
# Whole, ordinary photos make libjpeg say this. They are decoded once more with its warnings let pass;
# that they are not cut short, the walk has seen by then.
BENIGN_WARNING = "extraneous bytes before marker"
# The thumb is the one full decode: of a WebP or AVIF it cannot be less, and of a JPEG it reads every coded byte,
# whatever the scale, and leaves out only arithmetic that cannot fail.
READ_BY_THUMB = (Format.JPG, Format.WEBP, Format.AVIF)
THUMB_SIDE = 64  # pixels; a thumbhash keeps seven waves at the most of each side
JPEG_BLOCK = 8  # pixels


def probe(data: bytes, limits: Limits) -> Probe:
    """Decode the whole file once, strictly. Raises `Refused`, `MemoryError`.

    What trails the image is not decoded, so whoever keeps the file must cut it at `end`.
    """
    structure = read_structure(data, limits)
    data = data[: structure.end]
    try:
        # Only "warning" sees an early end of image, or a header that promises more than the data hold.
        try:
            with to_the_last_row():
                return _decode(data, structure, limits, fail_on="warning")
        except pyvips.Error as error:
            if BENIGN_WARNING not in str(error):
                raise
        return _decode(data, structure, limits, fail_on="error")
    except pyvips.Error as error:
        if is_out_of_memory(error):
            raise MemoryError from None  # which says nothing of the picture
        raise broken(_first_line(error)) from None


def _decode(data: bytes, structure: Structure, limits: Limits, fail_on: str) -> Probe:
    width, height, frames = _sides(data, structure, limits, fail_on)
    if structure.format is Format.JPG:
        thumb = _jpeg_thumb(data, structure.width, structure.height, fail_on)
    else:
        thumb = thumbnail(data, *Size(THUMB_SIDE, THUMB_SIDE).fit(width, height), fail_on=fail_on)
    return Probe(structure.format, width, height, frames, structure.end, _thumbhash(thumb))


def _sides(data: bytes, structure: Structure, limits: Limits, fail_on: str) -> tuple[int, int, int]:
    """Width and height, upright, and the number of frames, once all that the thumb will not read has been decoded.

    Not the image: an interlaced PNG is in memory as a whole for as long as that lives, and is about to be so again.
    """
    format = structure.format
    every_frame = {"n": -1} if format in ANIMATED else {}
    image = LOAD[format](data, access="sequential", fail_on=fail_on, **every_frame)
    frames = field(image, "n-pages", 1) if format in ANIMATED else 1
    width, height = image.width, image.height // frames
    if format is Format.GIF:
        # Decoders differ on the canvas of odd GIFs: ours is the one that counts, under the same limits.
        replace(structure, width=width, height=height, frames=frames).check(limits)
    elif format is Format.AVIF:
        # It has been turned and cropped already, if the file says so.
        if width * height > structure.width * structure.height:
            raise broken("the decoder sees a larger picture than the header says")
    elif (width, height, frames) != (structure.width, structure.height, structure.frames):
        raise broken("the decoder sees another size than the header says")
    if format not in READ_BY_THUMB or frames > 1:
        image.avg()  # pulls every pixel through once, a few rows at a time
    return (height, width, frames) if field(image, "orientation", 1) in TURNED else (width, height, frames)


def _jpeg_thumb(data: bytes, width: int, height: int, fail_on: str) -> pyvips.Image:
    """Upright, in at most `THUMB_SIDE`, and by means alone, which take a quarter of a thumbnail's time.

    libvips drops the last rows if they make no whole one when shrunk, and so might never decode the last blocks.
    """
    spare = min(width, height) // THUMB_SIDE
    last_block = (height - 1) // JPEG_BLOCK * JPEG_BLOCK
    shrink = max(each for each in JPEG_SHRINKS if each == 1 or (each <= spare and height // each * each > last_block))
    image = LOAD[Format.JPG](data, access="sequential", fail_on=fail_on, shrink=shrink)
    mean = math.ceil(max(image.width, image.height) / THUMB_SIDE)
    if mean > 1:  # by `ceil`, the last rows are read too
        image = image.shrink(min(mean, image.width), min(mean, image.height), ceil=True)
    if field(image, "orientation", 1) > 1:
        image = image.copy_memory().autorot()
    if image.bands == 3 and not image.get_typeof("icc-profile-data"):
        return image
    return eight_bit(image.thumbnail_image(image.width, height=image.height, size="force", **to_srgb(image)))


def _thumbhash(image: pyvips.Image) -> str:
    if image.bands < 3:
        image = image.colourspace("srgb")
    pixels = bytes(image.write_to_memory())
    rgba = bytearray(b"\xff" * (4 * image.width * image.height))
    for band in range(image.bands):
        rgba[band::4] = pixels[band :: image.bands]
    return base64.b64encode(thumbhash.rgba_to_thumb_hash(image.width, image.height, bytes(rgba))).decode()


def _first_line(error: pyvips.Error) -> str:
    return " ".join(str(error).split())[:200]
