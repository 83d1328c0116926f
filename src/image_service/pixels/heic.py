"""Decodes HEIC with an optional decoder, the extra `heic`. Only the pixel processes import this.

See docs/decisions/0084.
"""

import pyvips

from image_service.pixels.colour.profiles import PROFILE

try:
    import pi_heif
except ImportError:
    IS_INSTALLED = False
else:
    IS_INSTALLED = bool(pi_heif.libheif_info()["decoders"])  # also initialises libheif, before the cage closes
    pi_heif.options.DECODE_THREADS = 1  # the pool has one process per core
    pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False

BANDS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "RGBa": 4}  # by Pillow's mode names; `a`: premultiplied
# Words in its out-of-memory errors.
OUT_OF_MEMORY = ("alloc", "memory")


def version() -> str:
    """Return the decoder's version; empty if not installed."""
    return f"libheif {pi_heif.libheif_version()}" if IS_INSTALLED else ""


class NotDecoded(Exception):
    """The decoder gave up."""


def load(data: bytes) -> pyvips.Image:
    """Decode to 8 bits, in memory, with the file's rotation and crop applied. Raises `NotDecoded`, `MemoryError`."""
    try:
        image = pi_heif.open_heif(data)
        pixels, mode, size = image.data, image.mode, image.size
    except (ValueError, RuntimeError, EOFError, SyntaxError, OSError) as error:
        if any(words in str(error).lower() for words in OUT_OF_MEMORY):
            raise MemoryError from None
        raise NotDecoded(f"HEIC: {error}") from None
    bands = BANDS[mode]
    picture = pyvips.Image.new_from_memory(pixels, *size, bands, "uchar")
    picture = picture.copy(interpretation="srgb" if bands >= 3 else "b-w")
    if mode.endswith("a"):
        picture = picture.unpremultiply().cast("uchar")
    if profile := image.info.get("icc_profile"):
        picture.set_type(pyvips.GValue.blob_type, PROFILE, profile)
    return picture
