"""libvips, reduced to what untrusted pictures need. Imported by the pixel processes alone."""

import ctypes
import os
import re
import resource
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial

import pyvips

from image_service.pixels import heic
from image_service.pixels.colour.profiles import PROFILE, with_colours
from image_service.pixels.picture import TURNED, Format
from image_service.pixels.sizes import SPARE

# How libvips, libjpeg and GLib say that there is no memory, for a picture or for the thread that would decode it.
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

M_ARENA_MAX = -8  # <malloc.h>
# Bytes that a job has touched anew: of one that took more, freed memory is given back. That takes 0.2 ms and as long
# again for the next job, a tenth of a small one's time, and a fiftieth of one that takes so much.
MUCH_MEMORY = 32 * 1024**2
JPEG_SHRINKS = (1, 2, 4, 8)  # those in between that libjpeg offers take longer than none
# libjpeg says this of a whole picture, behind whose last pixel something else lies: (how many bytes).
JUNK_BEFORE_END = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
MOST_JUNK = 3  # times; libjpeg counts the bytes that it has already taken in for the last pixel a little differently
STRICT = "warning"  # what a picture is checked with: libjpeg only warns of pixels that are not there


_libc = ctypes.CDLL(None)


def configure() -> None:
    """Once in a process, before the first picture."""
    if hasattr(
        _libc, "mallopt"
    ):  # glibc, which keeps freed memory for each thread apart: 75 MB after 100 of them, so 41
        _libc.mallopt(M_ARENA_MAX, 1)
    os.environ["VIPS_DISC_THRESHOLD"] = "2g"  # beyond what a picture may need: the cage has no file to spill it to
    pyvips.concurrency_set(1)  # the pool has a process for each core
    pyvips.cache_set_max(0)  # no picture is asked for twice in the same process, and none may outlive its job
    pyvips.block_untrusted_set(True)
    # All loaders: one that a later libvips brings is blocked too.
    pyvips.operation_block_set("VipsForeignLoad", True)


@contextmanager
def giving_memory_back() -> Iterator[None]:
    """Around a job. glibc keeps what is freed amid what is not: 940 MB after an animation of 500 frames, so 35."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    yield
    touched = (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) * resource.getpagesize()
    if touched > MUCH_MEMORY and hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)


def reads(format: Format) -> bool:
    """Is there a decoder?"""
    return format is not Format.HEIC or heic.IS_INSTALLED


def is_out_of_memory(error: pyvips.Error) -> bool:
    return any(words in str(error) for words in OUT_OF_MEMORY)


def to_the_last_row(image: pyvips.Image) -> pyvips.Image:
    """In memory. Of a strict decode: raises `pyvips.Error` also for what libjpeg says of the last rows, when libvips
    looks no more.

    Before any other work on the picture: turning and colour work forget what was said.
    """
    pyvips.vips_lib.vips_error_clear()
    pixels = image.copy_memory()
    if b"VipsJpeg" in pyvips.ffi.string(pyvips.vips_lib.vips_error_buffer()):  # others say there what did no harm
        raise pyvips.Error("damaged at its end")  # to which pyvips adds what is in the buffer
    return pixels


def allow(formats: Collection[Format]) -> None:
    """Before each job: what it may open, and nothing else."""
    for format, loader in LOADERS.items():
        pyvips.operation_block_set(loader, format not in formats)


def thumbnail(data: bytes, format: Format, width: int, height: int, *, fail_on: str) -> pyvips.Image:
    """The first frame upright and in 8-bit RGB or grey, with its alpha, of this very size. The aspect is the caller's.

    A JPEG or WebP is decoded to fewer pixels where that leaves enough; of a JPEG, rows that then make no whole one are
    dropped, so this is no check of its last bytes. Not an AVIF, where libvips would open the small picture that may lie
    beside the one that counts. Alpha is premultiplied while it is resized. CMYK without a profile goes through libvips'
    own.
    """
    image = load(data, format, fail_on=fail_on)
    make = image.thumbnail_image
    if format is Format.JPG:
        is_turned = field(image, "orientation", 1) in TURNED
        shrink = jpeg_shrink(image.width, image.height, *((height, width) if is_turned else (width, height)))
        if shrink > 1:
            make = load(data, format, fail_on=fail_on, shrink=shrink).thumbnail_image
    elif format is Format.WEBP:
        make = partial(pyvips.Image.thumbnail_buffer, data, fail_on=fail_on)
    return eight_bit(make(width, height=height, size="force", **to_srgb(image)))


def resized(image: pyvips.Image, width: int, height: int) -> pyvips.Image:
    """An open picture, or each of its pages, upright and in 8 bits, of this very size."""
    return eight_bit(image.thumbnail_image(width, height=height, size="force", **to_srgb(image)))


def load(data: bytes, format: Format, *, fail_on: str, **options: int) -> pyvips.Image:
    """To be read once, row by row; a HEIC is in memory. With a profile of its colours. `options` are those of the
    loader."""
    if format is Format.HEIC:
        return with_colours(heic.load(data), data, format)
    return with_colours(BUFFER_LOADERS[format](data, access="sequential", fail_on=fail_on, **options), data, format)


def jpeg_shrink(width: int, height: int, least_width: int, least_height: int) -> int:
    """How far a JPEG may be shrunk while it is decoded so that one of `least_width` x `least_height` can be made of it.

    libvips' own `thumbnail` leaves twice the size. Half as much again is as near to a full decode as what others render
    (SSIM 0.996 of photos, 0.971 of a fine weave), in two thirds of the time.
    """
    spare = min(width / least_width, height / least_height) / SPARE
    return max(shrink for shrink in JPEG_SHRINKS if shrink <= max(spare, 1))


def to_srgb(image: pyvips.Image) -> dict[str, str]:
    """For a thumbnail: apply the profile that the picture has. Without one it would go to Lab and back, in four times
    the time."""
    return {"output_profile": "srgb"} if image.get_typeof(PROFILE) else {}


def eight_bit(image: pyvips.Image) -> pyvips.Image:
    return image.colourspace("srgb" if image.bands >= 3 else "b-w").cast("uchar")


def field(image: pyvips.Image, name: str, default: int) -> int:
    """A number out of the image's header."""
    return int(image.get(name)) if image.get_typeof(name) else default
