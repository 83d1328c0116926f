"""Which of the three formats the bytes are, and their walk."""

from image_service.pixels.limits import Limits, broken
from image_service.pixels.structure import Structure
from image_service.pixels.walk_gif import walk_gif
from image_service.pixels.walk_jpeg import walk_jpeg
from image_service.pixels.walk_png import walk_png

WALKS = (
    (b"\x89PNG\r\n\x1a\n", walk_png),
    (b"GIF87a", walk_gif),
    (b"GIF89a", walk_gif),
    (b"\xff\xd8\xff", walk_jpeg),
)


def read_structure(data: bytes, limits: Limits) -> Structure:
    """Walk `data` from its first byte to the end of the image, in time linear in its length.

    Raises `Refused`: NOT_AN_IMAGE if it is none of the three, cut short, or breaks its format's rules;
    TOO_MANY_PIXELS beyond the limits.
    """
    for magic, walk in WALKS:
        if data.startswith(magic):
            structure = walk(data, limits)
            if not structure.width or not structure.height:
                raise broken("no pixels")
            structure.check(limits)
            return structure
    raise broken("neither GIF nor JPEG nor PNG")
