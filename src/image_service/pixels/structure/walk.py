"""Which of the formats the bytes are, and their walk."""

from image_service.pixels.limits import Limits, broken
from image_service.pixels.picture import Format
from image_service.pixels.structure.outline import Structure
from image_service.pixels.structure.walk_avif import walk_avif
from image_service.pixels.structure.walk_gif import walk_gif
from image_service.pixels.structure.walk_jpeg import walk_jpeg
from image_service.pixels.structure.walk_png import walk_png
from image_service.pixels.structure.walk_webp import walk_webp

# By the offset and the bytes that tell each. `ftyp` is of a whole family, of which the walk takes AVIF alone.
WALKS = (
    (0, b"\x89PNG\r\n\x1a\n", Format.PNG, walk_png),
    (0, b"GIF87a", Format.GIF, walk_gif),
    (0, b"GIF89a", Format.GIF, walk_gif),
    (0, b"\xff\xd8\xff", Format.JPG, walk_jpeg),
    (8, b"WEBP", Format.WEBP, walk_webp),
    (4, b"ftyp", Format.AVIF, walk_avif),
)


def read_structure(data: bytes, limits: Limits) -> Structure:
    """Walk `data` from its first byte to the end of the image, in time linear in its length.

    Raises `Refused`: NOT_AN_IMAGE if it is none of the limits' formats, cut short, or breaks its format's rules;
    TOO_MANY_PIXELS beyond the limits.
    """
    for offset, magic, format, walk in WALKS:
        if format in limits.formats and data.startswith(magic, offset):
            structure = walk(data, limits)
            if not structure.width or not structure.height:
                raise broken("no pixels")
            structure.check(limits)
            return structure
    raise broken("of no format that is taken")
