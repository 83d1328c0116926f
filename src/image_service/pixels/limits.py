"""Limits on a picture's cost, checked before decoding, and the error for one beyond them."""

from dataclasses import dataclass
from math import inf

from image_service.errors import ImageServiceError, Kind, Refusal
from image_service.pixels.picture import ALWAYS_TAKEN, Format


@dataclass(frozen=True)
class Limits:
    """Bounds on one picture, all checkable before the first pixel is decoded.

    The file's size is not among them: staging counts the bytes.
    """

    side: int = 16_384  # pixels; the longest side that every encoder here was tested with
    pixels: int = 52_000_000  # 8192 x 6144, a phone's 50-megapixel camera; about 200 MB as RGBA
    all_pixels: int = 100_000_000  # of all frames of an animation; they are decoded one after the other
    frames: int = 500  # of an animation; each is a full canvas to decode, and to resize for every variant
    decoded: int = 512 * 1024 * 1024  # bytes that the decoder may hold, as 16-bit RGBA or coefficients
    scans: int = 32  # of a progressive JPEG, each a pass over the whole picture; encoders write 10 or so
    chunks: int = 5_000  # PNG chunks except IDAT, GIF extensions, JPEG segments, boxes: no real picture has more
    text: int = (
        50  # compressed PNG chunks (text, ICC), each of which may inflate to libpng's cap of 8 MB; AVIF metadata
    )
    # Bytes that libvips holds for a GIF: one canvas, or two if a frame's disposal restores the previous one.
    canvas: int = 224 * 1024 * 1024
    whole: int = 256 * 1024 * 1024  # bytes of an animated WebP, AVIF or HEIC, which cannot be read row by row
    draw_seconds: float = inf  # most seconds to draw an animation in its own format
    formats: tuple[Format, ...] = ALWAYS_TAKEN

    def allow(self, width: int, height: int, frames: int) -> bool:
        """Whether a picture may have so many pixels."""
        return width * height <= self.pixels and width * height * frames <= (
            self.all_pixels if frames > 1 else self.pixels
        )


class Refused(ImageServiceError):
    """The picture is refused. `refusal` and `kind` decide the response; `detail` is for the log."""

    def __init__(self, refusal: Refusal, detail: str, kind: Kind | None = None) -> None:
        super().__init__(f"{refusal}: {detail}")
        self.refusal = refusal
        self.detail = detail
        self.kind = kind


def broken(detail: str) -> Refused:
    """Refuse a file that breaks its format's rules, or is too complex."""
    return Refused(Refusal.DAMAGED, detail)


def cut(detail: str) -> Refused:
    """Refuse a truncated file."""
    return Refused(Refusal.CUT_SHORT, detail)


def too_large(detail: str) -> Refused:
    return Refused(Refusal.TOO_MANY_PIXELS, detail)


def other(kind: Kind) -> Refused:
    """Refuse a known format that is not accepted."""
    return Refused(Refusal.OTHER_FORMAT, kind, kind)
