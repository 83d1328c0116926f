"""Restricts libvips to what untrusted pictures need. Only the pixel processes import this."""

import ctypes
import os
import re
import resource
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial

import pyvips

from image_service.pixels import heic
from image_service.pixels.colour.described import colours_by_number
from image_service.pixels.colour.profiles import PROFILE, intent_of, with_colours
from image_service.pixels.limits import Refused
from image_service.pixels.picture import BANDS, TURNED, Format
from image_service.pixels.sizes import SPARE
from image_service.pixels.structure.gif.screen import cornered
from image_service.pixels.structure.heif_shown import shown_of
from image_service.pixels.structure.orientation import UPRIGHT, orientation_in_jpeg, orientation_in_png
from image_service.pixels.structure.outline import edited

# Out-of-memory messages of libvips, libjpeg and GLib, for a picture or for its decoder thread.
OUT_OF_MEMORY = ("out of memory", "Insufficient memory", "Error creating thread")
LOADERS = {
    Format.GIF: "VipsForeignLoadNsgif",
    Format.JPG: "VipsForeignLoadJpeg",
    Format.PNG: "VipsForeignLoadPng",
    Format.WEBP: "VipsForeignLoadWebp",
    Format.AVIF: "VipsForeignLoadHeif",
}
BUFFER_LOADERS = {
    Format.GIF: pyvips.Image.gifload_buffer,
    Format.JPG: pyvips.Image.jpegload_buffer,
    Format.PNG: pyvips.Image.pngload_buffer,
    Format.WEBP: pyvips.Image.webpload_buffer,
    Format.AVIF: pyvips.Image.heifload_buffer,
}
EXIF, ORIENTATION = "exif-data", "orientation"
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # <malloc.h>
# Bytes of newly touched memory. After a job that touches more, freed memory is returned to the system. That takes
# 0.2 ms, and 0.2 ms in the next job: a tenth of a small job's time, a fiftieth of such a large job's.
MUCH_MEMORY = 32 * 1024**2
LARGE_PIECE = 4 * 1024**2  # bytes that go back at once when they are freed: kept, they leave gaps in long animations
JPEG_SHRINKS = (1, 2, 4, 8)  # libjpeg's factors in between take longer than no shrinking
# libjpeg's warning about a complete picture with other bytes after its last pixel: (number of bytes).
JUNK_BEFORE_END = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
MOST_JUNK = 3  # tries; libjpeg's count varies with the bytes that it has already read for the last pixel
STRICT = "warning"  # `fail_on` of a check: libjpeg only warns of missing pixels


_libc = ctypes.CDLL(None)


def configure() -> None:
    """Call once per process, before the first picture."""
    if hasattr(_libc, "mallopt"):  # glibc keeps freed memory per thread: 75 MB after 100 threads, or 41 with this
        _libc.mallopt(M_ARENA_MAX, 1)
        # Keeps the memory of ordinary jobs for the next: an AVIF of 640 x 480 takes a tenth less time. 6 MB stay.
        _libc.mallopt(M_MMAP_THRESHOLD, LARGE_PIECE)
        _libc.mallopt(M_TRIM_THRESHOLD, MUCH_MEMORY)
    os.environ["VIPS_DISC_THRESHOLD"] = "2g"  # more than a picture may need: the cage allows no temporary file
    pyvips.concurrency_set(1)  # the pool has one process per core
    pyvips.cache_set_max(0)  # no picture is used twice in a process, and none may outlive its job
    pyvips.block_untrusted_set(True)
    # Blocks all loaders, also those of later libvips versions.
    pyvips.operation_block_set("VipsForeignLoad", True)


@contextmanager
def giving_memory_back() -> Iterator[None]:
    """Wrap a job. glibc keeps fragmented free memory: 940 MB after an animation of 500 frames; 35 with this."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    yield
    touched = (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) * resource.getpagesize()
    if touched > MUCH_MEMORY and hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)


def reads(format: Format) -> bool:
    """Whether there is a decoder for `format`."""
    return format is not Format.HEIC or heic.IS_INSTALLED


def is_out_of_memory(error: pyvips.Error) -> bool:
    return any(words in str(error) for words in OUT_OF_MEMORY)


def to_the_last_row(image: pyvips.Image) -> pyvips.Image:
    """Decode into memory, strictly: also raises `pyvips.Error` for libjpeg's warnings about the last rows, which
    libvips ignores.

    Call before any other operation on the picture: rotation and colour conversion lose the warnings.
    """
    pyvips.vips_lib.vips_error_clear()
    pixels = image.copy_memory()
    if b"VipsJpeg" in pyvips.ffi.string(pyvips.vips_lib.vips_error_buffer()):  # other messages there are harmless
        raise pyvips.Error("damaged at its end")  # pyvips appends the buffer's text
    return pixels


def allow(formats: Collection[Format]) -> None:
    """Call before each job: allow these formats, and block all others."""
    for format, loader in LOADERS.items():
        pyvips.operation_block_set(loader, format not in formats)


def thumbnail(data: bytes, format: Format, width: int, height: int, *, fail_on: str) -> pyvips.Image:
    """Return the first frame upright, in 8-bit RGB or grey with its alpha, of exactly this size. Ignores the aspect.

    Decodes a JPEG or WebP to fewer pixels if that leaves enough. Drops a JPEG's rows that do not fill a shrunk row, so
    this does not check its last bytes. Does not shrink an AVIF on load: libvips would open the embedded thumbnail
    instead. Alpha is premultiplied during the resize. CMYK without a profile uses libvips' own.
    """
    image = load(data, format, fail_on=fail_on)
    make = image.thumbnail_image
    if format is Format.JPG:
        is_turned = field(image, ORIENTATION, UPRIGHT) in TURNED
        shrink = jpeg_shrink(image.width, image.height, *((height, width) if is_turned else (width, height)))
        if shrink > 1:
            make = load(data, format, fail_on=fail_on, shrink=shrink).thumbnail_image
    elif format is Format.WEBP:
        make = partial(pyvips.Image.thumbnail_buffer, data, fail_on=fail_on)
    return eight_bit(make(width, height=height, size="force", **to_srgb(image)))


def resized(image: pyvips.Image, width: int, height: int) -> pyvips.Image:
    """Resize an open picture, or each of its pages, to exactly this size, upright and in 8 bits."""
    if is_upright_srgb(image) and image.bands == BANDS and not image.get_typeof("page-height"):
        # The same pixels as `thumbnail_image` gives, without its conversions: a fifth of a small variant's time.
        return image.resize(1 / (image.width / width), vscale=1 / (image.height / height))
    return eight_bit(image.thumbnail_image(width, height=height, size="force", **to_srgb(image)))


def drawn(image: pyvips.Image, width: int, height: int) -> pyvips.Image:
    """Like `resized`, in memory, to be used again: in sRGB, without a profile that says so. Returns a picture in memory
    that is so already.
    """
    if is_upright_srgb(image) and (image.width, image.height) == (width, height):
        return image
    image = resized(image, width, height).copy_memory()
    image.remove(PROFILE)
    return image


def is_upright_srgb(image: pyvips.Image) -> bool:
    """Whether its pixels are as they are shown: in 8 bits, in sRGB without a profile, not rotated."""
    is_srgb = image.format == "uchar" and image.interpretation == "srgb" and not image.get_typeof(PROFILE)
    return is_srgb and field(image, ORIENTATION, UPRIGHT) == UPRIGHT


def load(data: bytes, format: Format, *, fail_on: str, **options: int) -> pyvips.Image:
    """Open a picture, to be read once, row by row (a HEIC is in memory), with a colour profile. `options` are the
    loader's."""
    if format in (Format.AVIF, Format.HEIC):
        return load_heif(data, format, fail_on=fail_on, **options)
    if format is Format.GIF and (whole := cornered(data)):
        image = _behind_first(BUFFER_LOADERS[format](whole, access="sequential", fail_on=fail_on, page=1, **options))
    else:
        image = BUFFER_LOADERS[format](data, access="sequential", fail_on=fail_on, **options)
    return with_colours(with_orientation(image, data, format), data, format)


def _behind_first(image: pyvips.Image) -> pyvips.Image:
    """Return a GIF, opened from its second frame on, as if it had no first one."""
    image = image.copy()
    image.set_type(pyvips.GValue.gint_type, "n-pages", image.get("n-pages") - 1)
    image.set_type(pyvips.GValue.array_int_type, "delay", image.get("delay")[1:])
    return image


def load_heif(data: bytes, format: Format, *, fail_on: str, **options: int) -> pyvips.Image:
    """Open an AVIF or HEIC, and finish what the decoder leaves undone. Raises `pyvips.Error` for what is neither."""
    try:
        shown = shown_of(data)
    except Refused as error:
        raise pyvips.Error(str(error)) from None
    data = edited(data, shown.edits)
    if format is Format.HEIC:
        image = heic.load(data)
    else:
        image = BUFFER_LOADERS[format](data, access="sequential", fail_on=fail_on, **options)
        if shown.is_premultiplied and image.hasalpha():
            image = image.unpremultiply().cast(image.format)
        if shown.is_narrow_grey:
            image = widened(image)
    if shown.orientation != UPRIGHT:
        image = image.copy()
        image.set_type(pyvips.GValue.gint_type, ORIENTATION, shown.orientation)
    return with_colours(image, data, format, shown.colours and colours_by_number(*shown.colours))


def widened(image: pyvips.Image) -> pyvips.Image:
    """Widen a grey picture's range from 16..235 to 0..255, or the same in 16 bits."""
    scale = 256 if image.format == "ushort" else 1
    gain = (256 * scale - 1) / (219 * scale)
    colours = image.bands - image.hasalpha()
    wide = image.linear(
        [gain] * colours + [1] * image.hasalpha(), [-16 * scale * gain] * colours + [0] * image.hasalpha()
    )
    return wide.rint().cast(image.format)


def with_orientation(image: pyvips.Image, data: bytes, format: Format) -> pyvips.Image:
    """Return the picture with the EXIF orientation that browsers see in a JPEG or PNG: only well-formed ones."""
    if format not in (Format.JPG, Format.PNG) or not image.get_typeof(EXIF):
        return image
    orientation = orientation_in_jpeg(bytes(image.get(EXIF))) if format is Format.JPG else orientation_in_png(data)
    if field(image, ORIENTATION, UPRIGHT) == orientation:
        return image
    image = image.copy()
    image.set_type(pyvips.GValue.gint_type, ORIENTATION, orientation)
    return image


def jpeg_shrink(width: int, height: int, least_width: int, least_height: int) -> int:
    """Return how far to shrink a JPEG while decoding, for a picture of at least `least_width` x `least_height`.

    libvips' own `thumbnail` leaves twice the size. 1.5 times the size is as close to a full decode as other renderers
    come (SSIM 0.996 for photos, 0.971 for a fine weave), in two thirds of the time.
    """
    spare = min(width / least_width, height / least_height) / SPARE
    return max(shrink for shrink in JPEG_SHRINKS if shrink <= max(spare, 1))


def to_srgb(image: pyvips.Image) -> dict[str, str]:
    """Return `thumbnail` options that apply the picture's profile. Without a profile, they would convert to Lab and
    back, in four times the time."""
    if not image.get_typeof(PROFILE):
        return {}
    return {"output_profile": "srgb", "intent": intent_of(bytes(image.get(PROFILE)))}


def eight_bit(image: pyvips.Image) -> pyvips.Image:
    return image.colourspace("srgb" if image.bands >= 3 else "b-w").cast("uchar")


def field(image: pyvips.Image, name: str, default: int) -> int:
    """Return a number from the image's header."""
    return int(image.get(name)) if image.get_typeof(name) else default
