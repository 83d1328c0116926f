"""libvips, reduced to what untrusted pictures need. Imported by the pixel processes alone."""

from functools import partial
from pathlib import Path

import pyvips

# How libvips, libjpeg and GLib say that there is no memory, for a picture or for the thread that would decode it.
OUT_OF_MEMORY = ("out of memory", "Insufficient memory", "Error creating thread")
LOADERS = ("VipsForeignLoadJpeg", "VipsForeignLoadPng", "VipsForeignLoadNsgif")


def configure() -> None:
    """Once in a process, before the first picture."""
    pyvips.concurrency_set(1)  # the pool has a process for each core
    pyvips.cache_set_max(0)  # no picture is asked for twice in the same process, and none may outlive its job
    pyvips.block_untrusted_set(True)
    # Block all loaders, then allow three: a loader that a later libvips brings is blocked too.
    pyvips.operation_block_set("VipsForeignLoad", True)
    for loader in LOADERS:
        pyvips.operation_block_set(loader, False)


def is_out_of_memory(error: pyvips.Error) -> bool:
    return any(words in str(error) for words in OUT_OF_MEMORY)


def thumbnail(source: Path | bytes, width: int, height: int, **options: str) -> pyvips.Image:
    """The first frame upright and in 8-bit RGB or grey, with its alpha; by `size="force"` of that very size.

    All in one libvips call, since only so can libjpeg decode at an eighth of the size. Alpha is
    premultiplied while it is resized. CMYK without a profile goes through libvips' own.
    """
    if isinstance(source, bytes):
        header = pyvips.Image.new_from_buffer(source, "")
        make = partial(pyvips.Image.thumbnail_buffer, source)
    else:
        header = pyvips.Image.new_from_file(str(source))
        make = partial(pyvips.Image.thumbnail, str(source))
    if header.get_typeof("icc-profile-data"):  # else it would go to Lab and back, for four times the time
        options["output_profile"] = "srgb"
    return eight_bit(make(width, height=height, **options))


def eight_bit(image: pyvips.Image) -> pyvips.Image:
    return image.colourspace("srgb" if image.bands >= 3 else "b-w").cast("uchar")


def field(image: pyvips.Image, name: str, default: int) -> int:
    """A number out of the image's header."""
    return int(image.get(name)) if image.get_typeof(name) else default
