"""A checked picture, and the formats of originals and variants. Imports no decoder."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path


class Format(StrEnum):
    """Prints as the extension in a URL."""

    JPG = "jpg"
    PNG = "png"
    GIF = "gif"
    WEBP = "webp"
    AVIF = "avif"
    HEIC = "heic"  # originals only, never in a URL

    @property
    def media_type(self) -> str:
        return "image/jpeg" if self is Format.JPG else f"image/{self}"

    @property
    def rendered(self) -> "Format":
        """The format of the picture's own variants: nothing is rendered as HEIC."""
        return Format.JPG if self is Format.HEIC else self


HEIC_DECODER = "pi_heif"  # the module of the extra `heic`
ALWAYS_TAKEN = (Format.GIF, Format.JPG, Format.PNG)  # others need a setting
DRAWN = (Format.JPG, Format.PNG, Format.GIF, Format.WEBP, Format.AVIF)
# A NEGOTIABLE URL serves a PREFERRED format to clients that accept it, the first of them if it is the lightest.
NEGOTIABLE = (Format.JPG, Format.PNG)
PREFERRED = (Format.AVIF, Format.WEBP)
ANIMATED = (Format.GIF, Format.WEBP, Format.PNG)  # may have several frames
BANDS = 3  # of kept pixels
TURNED = range(5, 9)  # EXIF orientations that swap the sides
PAGED = (Format.GIF, Format.WEBP)  # the decoder reads their frames as pages


def readable() -> tuple[Format, ...]:
    """Return the formats with an installed decoder, without importing it."""
    return tuple(each for each in Format if each is not Format.HEIC or find_spec(HEIC_DECODER))


def rivals(format: Format, offered: Sequence[Format]) -> tuple[Format, ...]:
    """Return the formats to compare with `format` when it is served at another format's URL; that format comes last.

    `offered` are all formats that the picture is offered in.
    """
    own = next((each for each in offered if each in NEGOTIABLE), None)
    if own is None or format not in PREFERRED:
        return ()
    return (*(each for each in PREFERRED[PREFERRED.index(format) + 1 :] if each in offered), own)


@dataclass(frozen=True)
class Pixels:
    """Describes a file of kept pixels: rows of 8-bit RGB from the top, as decoded, then the colour profile.

    Not rotated or colour-converted yet, so renders are the same as from the picture itself.
    """

    width: int
    height: int
    orientation: int  # EXIF's, 1 to 8
    profile: int  # bytes; 0: none, so sRGB

    @property
    def bytes(self) -> int:
        """The size of the file."""
        return self.width * self.height * BANDS + self.profile

    @property
    def upright(self) -> tuple[int, int]:
        return (self.height, self.width) if self.orientation in TURNED else (self.width, self.height)


@dataclass(frozen=True)
class Kept:
    """A file of kept pixels, with or without a key."""

    path: Path
    pixels: Pixels


@dataclass(frozen=True)
class Picture:
    """A picture on local disk that has passed all checks; code below `ingest` does not check it again."""

    path: Path  # the staged file; bytes after the image have been cut
    bytes: int
    sha256: str  # 64 hex digits, of exactly these bytes
    format: Format  # decided by the bytes
    width: int  # pixels, upright (after the EXIF orientation)
    height: int  # pixels, of one frame
    frames: int  # 1 unless animated
    thumbhash: str  # base64, of the first frame
    kept: Kept | None = None  # its kept pixels, if any
