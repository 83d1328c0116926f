"""What a picture may cost before it is decoded, and the refusal of one that costs more."""

from dataclasses import dataclass

from image_service.errors import ImageServiceError, Refusal
from image_service.pixels.picture import ALWAYS_TAKEN, Format


@dataclass(frozen=True)
class Limits:
    """Bounds on one picture, all of them known before the first pixel is decoded.

    The weight of the file is not among them: whoever stages it counts its bytes.
    """

    side: int = 16_384  # pixels; the longest side that every encoder here has been seen to hold
    pixels: int = 50_000_000  # of all frames together; about 200 MB as RGBA
    frames: int = 500  # of a GIF; each is a full canvas to decode and to draw again for every variant
    decoded: int = 512 * 1024 * 1024  # bytes that the decoder may have to hold, as 16-bit RGBA, coefficients
    scans: int = 32  # of a progressive JPEG, each a pass over the whole picture; encoders write 10 or so
    chunks: int = 5_000  # PNG chunks but IDAT, GIF extensions, JPEG segments, boxes: more is no picture
    text: int = (
        50  # compressed PNG chunks (text, ICC), each of which may inflate to libpng's cap of 8 MB; AVIF metadata
    )
    # Bytes that libvips holds of a GIF: one canvas, or two if a frame is followed by what was there before it.
    canvas: int = 224 * 1024 * 1024
    whole: int = 256 * 1024 * 1024  # bytes that an animated WebP or an AVIF takes, neither of which is read by the row
    tiles: int = 128  # of an AVIF, each with a decoder of its own; 12 megapixels of a phone are 48
    formats: tuple[Format, ...] = ALWAYS_TAKEN


class Refused(ImageServiceError):
    """These bytes are not a picture that is taken: `refusal` decides the answer, `detail` is for the log."""

    def __init__(self, refusal: Refusal, detail: str) -> None:
        super().__init__(f"{refusal}: {detail}")
        self.refusal = refusal
        self.detail = detail


def broken(detail: str) -> Refused:
    """Of another type, damaged, or more tangled than any honest file."""
    return Refused(Refusal.NOT_AN_IMAGE, detail)


def too_large(detail: str) -> Refused:
    return Refused(Refusal.TOO_MANY_PIXELS, detail)
