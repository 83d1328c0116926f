"""Checks whether a file is an acceptable picture: its structure, the limits, then one full decode."""

import base64
import math
import re
from dataclasses import replace

import pyvips
import thumbhash

from image_service.pixels.animation.apng import shown
from image_service.pixels.colour.profiles import PROFILE
from image_service.pixels.heic import NotDecoded
from image_service.pixels.keeping import Keep
from image_service.pixels.libvips import (
    JPEG_SHRINKS,
    JUNK_BEFORE_END,
    MOST_JUNK,
    STRICT,
    field,
    is_out_of_memory,
    load,
    resized,
    thumbnail,
    to_the_last_row,
)
from image_service.pixels.limits import Limits, Refused, broken, cut
from image_service.pixels.messages import Probe
from image_service.pixels.picture import PAGED, TURNED, Format, Pixels
from image_service.pixels.sizes import Size
from image_service.pixels.structure.gif.frames import sheets
from image_service.pixels.structure.outline import Structure
from image_service.pixels.structure.walk import read_structure
from image_service.pixels.structure.walk_jpeg import without_fill, without_junk

TOO_SHORT = re.compile(r"premature end|unexpected end|truncated|end of (file|data)", re.I)
UNREAD = "unable to read pixels"  # libvips on a WebP
# For these, the thumbnail is the full decode. A WebP or AVIF cannot be decoded partly. For a JPEG, every scale reads
# all coded bytes, and skips only arithmetic that cannot fail.
READ_BY_THUMB = (Format.JPG, Format.WEBP, Format.AVIF)
THUMB_SIDE = 32  # pixels; a thumbhash keeps at most seven frequencies per side. 64 take 0.2 ms more and look the same
JPEG_BLOCK = 8  # pixels
OPAQUE = 255


def probe(data: bytes, limits: Limits, keep: Keep | None = None) -> Probe:
    """Decode the whole file once, strictly, and write the pixels to `keep`. Raises `Refused`, `MemoryError`.

    Does not decode bytes after the image: a caller that keeps the file must cut it at `end`.
    """
    structure = read_structure(data, limits)
    data = structure.tidied(data)
    for _ in range(MOST_JUNK):
        try:
            picture = _decode(data, structure, limits, keep)
        except NotDecoded as error:
            raise broken(str(error)) from None
        except pyvips.Error as error:
            if is_out_of_memory(error):
                raise MemoryError from None  # not the picture's fault
            junk = JUNK_BEFORE_END.search(str(error))
            if junk is None:
                raise _refused(error, structure) from None
            data = without_junk(data, int(junk[1]))
        else:
            if structure.format is Format.JPG:
                _check_fill(data, structure)
            return picture
    raise broken("JPEG with too much behind its pixels")


def _check_fill(data: bytes, structure: Structure) -> None:
    """Raises `Refused` for a JPEG whose pixels end in zeros that replace truncated data.

    Zeros decode as the shortest codes. If they are real pixels, as of a white background, the last zeros are needed. If
    they fill a gap, some are left over. Then the pixels must be complete without any zeros, as if these were padding.
    """
    shortened = without_fill(data)
    if shortened is None:
        return
    slightly, wholly = shortened
    if _has_every_pixel(slightly, structure) and not _has_every_pixel(wholly, structure):
        raise cut("JPEG filled up with zeros")


def _has_every_pixel(data: bytes, structure: Structure) -> bool:
    try:
        _jpeg_thumb(data, structure)
    except pyvips.Error as error:
        if is_out_of_memory(error):
            raise MemoryError from None
        return False
    return True


def _refused(error: pyvips.Error, structure: Structure) -> Refused:
    reason = " ".join(str(error).split())[:200]
    is_cut = structure.is_open or TOO_SHORT.search(reason) or (structure.is_lossy and UNREAD in reason)
    return (cut if is_cut else broken)(reason)


def _decode(data: bytes, structure: Structure, limits: Limits, keep: Keep | None) -> Probe:
    format = structure.format
    every_frame = {"n": -1} if format in PAGED else {}
    image = load(data, format, fail_on=STRICT, **every_frame)
    width, height, frames = _sides(image, structure, limits)
    box = Size(THUMB_SIDE, THUMB_SIDE).fit(width, height)
    kept, shrink = None, keep.shrink(image) if keep is not None and format is Format.JPG else None
    if structure.apng is not None:
        image.avg()
        frames_shown = shown(data, structure.apng, STRICT)
        thumb = resized(next(frames_shown), *box).copy_memory()
        for _ in frames_shown:
            pass
    elif format is Format.HEIC:
        thumb = resized(image, *box)  # it is fully decoded already
    else:
        if format is Format.GIF:
            _check_gif(structure)
        elif format not in READ_BY_THUMB or frames > 1:
            image.avg()  # decodes every pixel once, a few rows at a time
        del image  # frees an interlaced PNG, held whole in memory, before it is decoded again
        if format is Format.JPG:
            thumb, kept = _jpeg_thumb(data, structure, keep, shrink)
        else:
            thumb = thumbnail(data, format, *box, fail_on=STRICT)
    return Probe(format, width, height, frames, structure.end, _thumbhash(thumb), kept)


def _check_gif(structure: Structure) -> None:
    """Decode each frame once. Raises `Refused` for one with missing pixels.

    Replaces the decode of the whole GIF: this is every part of it that can fail, and takes no longer.
    """
    for sheet in sheets(structure.coded):
        image = load(sheet.gif, Format.GIF, fail_on=STRICT, page=sheet.page)
        drawn = image[image.bands - 1].avg() * image.width * image.height / OPAQUE
        if round(drawn) < sheet.pixels:
            raise cut("GIF with missing pixels")


def _sides(image: pyvips.Image, structure: Structure, limits: Limits) -> tuple[int, int, int]:
    """Return upright width and height, and the number of frames. Raises `Refused` if they differ from the walk's."""
    format = structure.format
    pages = field(image, "n-pages", 1)
    width, height = image.width, image.height // pages
    frames = pages - structure.appended if format in PAGED else structure.frames
    if format is Format.GIF:
        # Decoders differ on the canvas of odd GIFs: check our decoder's canvas against the same limits.
        replace(structure, width=width, height=height, frames=frames).check(limits)
    elif format in (Format.AVIF, Format.HEIC):
        # The decoder has already applied the file's rotation and crop.
        if width * height > structure.width * structure.height:
            raise broken("the decoder sees a larger picture than the header says")
    elif (width, height, frames) != (structure.width, structure.height, structure.frames):
        raise broken("the decoder sees another size than the header says")
    if structure.apng is not None:  # its frames are placed without rotation
        return width, height, frames
    return (height, width, frames) if field(image, "orientation", 1) in TURNED else (width, height, frames)


def _jpeg_thumb(
    data: bytes, structure: Structure, keep: Keep | None = None, keep_shrink: int | None = None
) -> tuple[pyvips.Image, Pixels | None]:
    """Return the upright thumb, at most `THUMB_SIDE`. Averages pixels, in a quarter of the time of libvips' thumbnail.

    Shrinking must keep the last blocks: libvips drops last rows that do not fill a shrunk row, and may not decode them.
    """
    width, height = structure.width, structure.height
    spare = min(width, height) // THUMB_SIDE
    last_block = (height - 1) // JPEG_BLOCK * JPEG_BLOCK
    whole = [each for each in JPEG_SHRINKS if each == 1 or height // each * each > last_block]
    shrink = max(each for each in whole if each == 1 or each <= spare)
    kept = None
    if keep is not None and keep_shrink in whole:
        image = to_the_last_row(load(data, Format.JPG, fail_on=STRICT, shrink=keep_shrink))
        image = keep.pixels_of(image, keep_shrink)
        kept = keep.write(image)
    else:
        image = load(data, Format.JPG, fail_on=STRICT, shrink=shrink)
    mean = math.ceil(max(image.width, image.height) / THUMB_SIDE)
    if mean > 1:  # `ceil` reads the last rows too
        image = image.shrink(min(mean, image.width), min(mean, image.height), ceil=True)
    image = to_the_last_row(image)
    if field(image, "orientation", 1) > 1:
        image = image.autorot()
    if image.bands == 3 and not image.get_typeof(PROFILE):
        return image, kept
    return resized(image, image.width, image.height), kept


def _thumbhash(image: pyvips.Image) -> str:
    if image.bands < 3:
        image = image.colourspace("srgb")
    pixels = bytes(image.write_to_memory())
    rgba = bytearray(b"\xff" * (4 * image.width * image.height))
    for band in range(image.bands):
        rgba[band::4] = pixels[band :: image.bands]
    return base64.b64encode(thumbhash.rgba_to_thumb_hash(image.width, image.height, bytes(rgba))).decode()
