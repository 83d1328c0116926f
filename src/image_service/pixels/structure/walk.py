"""Detects a file's format and runs the walk for it."""

from contextlib import suppress

from image_service.errors import Refusal
from image_service.pixels.limits import Limits, Refused, broken, other
from image_service.pixels.picture import Format
from image_service.pixels.structure.gif.walk_gif import walk_gif
from image_service.pixels.structure.kinds import kind_of
from image_service.pixels.structure.outline import Structure
from image_service.pixels.structure.png.walk_png import walk_png
from image_service.pixels.structure.walk_heif import walk_heif
from image_service.pixels.structure.walk_jpeg import walk_jpeg
from image_service.pixels.structure.walk_webp import walk_webp

# Offset, magic bytes, formats, walk. `ftyp` belongs to several formats: the walk tells them apart.
WALKS = (
    (0, b"\x89PNG\r\n\x1a\n", (Format.PNG,), walk_png),
    (0, b"GIF87a", (Format.GIF,), walk_gif),
    (0, b"GIF89a", (Format.GIF,), walk_gif),
    (0, b"\xff\xd8\xff", (Format.JPG,), walk_jpeg),
    (8, b"WEBP", (Format.WEBP,), walk_webp),
    (4, b"ftyp", (Format.AVIF, Format.HEIC), walk_heif),
)
EDITED = {Format.PNG: walk_png, Format.GIF: walk_gif, Format.JPG: walk_jpeg, Format.WEBP: walk_webp}
NO_LIMITS = Limits(frames=2**31, scans=2**31, chunks=2**31, text=2**31)  # for probed pictures


def read_structure(data: bytes, limits: Limits) -> Structure:
    """Walk `data` from its first byte to the end of the image, in time linear in its length.

    Raises `Refused` if it is in none of the limits' formats, truncated, invalid, or beyond the limits.
    """
    for offset, magic, formats, walk in WALKS:
        if data.startswith(magic, offset) and any(format in limits.formats for format in formats):
            structure = walk(data, limits)
            if not structure.width or not structure.height:
                raise broken("no pixels")
            structure.check(limits)
            return structure
    kind = kind_of(data)
    raise other(kind) if kind else Refused(Refusal.NOT_AN_IMAGE, "of no format that we know")


def tidied(data: bytes, format: Format) -> bytes:
    """Tidy a probed picture for a strict decoder: see `Structure.tidied`. Returns it as is if the walk refuses it."""
    with suppress(Refused):  # an earlier version accepted it
        if format in EDITED:
            return EDITED[format](data, NO_LIMITS).tidied(data)
    return data
