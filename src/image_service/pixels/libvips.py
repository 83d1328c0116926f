"""libvips, reduced to what untrusted pictures need. Imported by the pixel processes alone."""

from collections.abc import Collection
from functools import partial
from pathlib import Path

import pyvips

from image_service.pixels.picture import Format

# How libvips, libjpeg and GLib say that there is no memory, for a picture or for the thread that would decode it.
OUT_OF_MEMORY = ("out of memory", "Insufficient memory", "Error creating thread")
LOADERS = {
    Format.GIF: "VipsForeignLoadNsgif",
    Format.JPG: "VipsForeignLoadJpeg",
    Format.PNG: "VipsForeignLoadPng",
    Format.WEBP: "VipsForeignLoadWebp",
    Format.AVIF: "VipsForeignLoadHeif",
}


def configure() -> None:
    """Once in a process, before the first picture."""
    pyvips.concurrency_set(1)  # the pool has a process for each core
    pyvips.cache_set_max(0)  # no picture is asked for twice in the same process, and none may outlive its job
    pyvips.block_untrusted_set(True)
    # All loaders: one that a later libvips brings is blocked too.
    pyvips.operation_block_set("VipsForeignLoad", True)


def is_out_of_memory(error: pyvips.Error) -> bool:
    return any(words in str(error) for words in OUT_OF_MEMORY)


def allow(formats: Collection[Format]) -> None:
    """Before each job: what it may open, and nothing else."""
    for format, loader in LOADERS.items():
        pyvips.operation_block_set(loader, format not in formats)


def thumbnail(source: Path | bytes, width: int, height: int, *, size: str, fail_on: str = "none") -> pyvips.Image:
    """The first frame upright and in 8-bit RGB or grey, with its alpha; by `size="force"` of that very size.

    All in one libvips call, since only so can libjpeg decode at an eighth of the size; but not of an AVIF, where that
    would open the small picture that may lie beside the one that counts. Alpha is premultiplied while it is resized.
    CMYK without a profile goes through libvips' own.
    """
    options = {"access": "sequential", "fail_on": fail_on}
    if isinstance(source, bytes):
        opened = pyvips.Image.new_from_buffer(source, "", **options)
        make = partial(pyvips.Image.thumbnail_buffer, source, fail_on=fail_on)
    else:
        opened = pyvips.Image.new_from_file(str(source), **options)
        make = partial(pyvips.Image.thumbnail, str(source), fail_on=fail_on)
    if str(opened.get("vips-loader")).startswith("heif"):
        make = opened.thumbnail_image
    return eight_bit(make(width, height=height, size=size, **to_srgb(opened)))


def to_srgb(image: pyvips.Image) -> dict[str, str]:
    """For a thumbnail: apply the profile that the picture has. Without one it would go to Lab and back, in four times
    the time."""
    return {"output_profile": "srgb"} if image.get_typeof("icc-profile-data") else {}


def eight_bit(image: pyvips.Image) -> pyvips.Image:
    return image.colourspace("srgb" if image.bands >= 3 else "b-w").cast("uchar")


def field(image: pyvips.Image, name: str, default: int) -> int:
    """A number out of the image's header."""
    return int(image.get(name)) if image.get_typeof(name) else default
