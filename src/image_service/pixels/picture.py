"""A checked picture, and the formats that pictures come and go in. Imports no decoder."""

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
    HEIC = "heic"  # of a picture, never of a URL

    @property
    def media_type(self) -> str:
        return "image/jpeg" if self is Format.JPG else f"image/{self}"

    @property
    def rendered(self) -> "Format":
        """What the picture's own variants are: nothing is rendered as HEIC."""
        return Format.JPG if self is Format.HEIC else self


HEIC_DECODER = "pi_heif"  # the module that the extra `heic` brings
ALWAYS_TAKEN = (Format.GIF, Format.JPG, Format.PNG)  # others are a setting
DRAWN = (Format.JPG, Format.PNG, Format.GIF, Format.WEBP, Format.AVIF)
# A URL of the first is sent as one of the others to clients that accept it, the first of them if it is the lightest.
NEGOTIABLE = (Format.JPG, Format.PNG)
PREFERRED = (Format.AVIF, Format.WEBP)
ANIMATED = (Format.GIF, Format.WEBP, Format.PNG)  # may have several frames
BANDS = 3  # of kept pixels
TURNED = range(5, 9)  # EXIF orientations that swap the sides
PAGED = (Format.GIF, Format.WEBP)  # whose frames the decoder reads as pages of one picture


def readable() -> tuple[Format, ...]:
    """The formats that have a decoder here. Looks for it without loading it."""
    return tuple(each for each in Format if each is not Format.HEIC or find_spec(HEIC_DECODER))


def rivals(format: Format, offered: Sequence[Format]) -> tuple[Format, ...]:
    """What a format that may be sent under the URL of another is weighed against; the format of that URL comes last.

    `offered` are all that the picture can be had in.
    """
    own = next((each for each in offered if each in NEGOTIABLE), None)
    if own is None or format not in PREFERRED:
        return ()
    return (*(each for each in PREFERRED[PREFERRED.index(format) + 1 :] if each in offered), own)


@dataclass(frozen=True)
class Pixels:
    """What a file of kept pixels holds: rows of 8-bit RGB from the top, as the picture was decoded, then its profile.

    Not upright yet, and in the colours of the profile: what is rendered of them is what the picture itself would give.
    """

    width: int
    height: int
    orientation: int  # EXIF's, 1 to 8
    profile: int  # bytes; 0: none, so sRGB

    @property
    def bytes(self) -> int:
        """Of the file."""
        return self.width * self.height * BANDS + self.profile

    @property
    def upright(self) -> tuple[int, int]:
        return (self.height, self.width) if self.orientation in TURNED else (self.width, self.height)


@dataclass(frozen=True)
class Kept:
    """A file of kept pixels, under a key or under none yet."""

    path: Path
    pixels: Pixels


@dataclass(frozen=True)
class Picture:
    """A picture on local disk that has passed every check; nothing below `ingest` checks it again."""

    path: Path  # the staged file; ends with the image's last byte, trailing bytes have been cut
    bytes: int
    sha256: str  # 64 hex digits, of exactly these bytes
    format: Format  # decided by the bytes
    width: int  # pixels, upright (after the EXIF orientation)
    height: int  # pixels, of one frame
    frames: int  # 1 unless animated
    thumbhash: str  # base64, of the first frame
    kept: Kept | None = None  # its pixels, where they were kept
