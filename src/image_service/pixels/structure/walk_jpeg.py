"""JPEG: markers with a segment each; behind SOS, coded bytes up to the next marker (ITU T.81, annex B)."""

import re
from struct import Struct

from image_service.pixels.limits import Limits, broken
from image_service.pixels.picture import Format
from image_service.pixels.structure.outline import Structure

# FF 00 is a stuffed byte, FF D0-D7 restarts within a scan, FF FF padding: none of them ends a scan.
# Searching for the next real marker also skips junk between segments, as libjpeg does with a warning.
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
LENGTH = Struct(">H")
FRAME = Struct(">BHHB")  # precision, height, width, components
TEM, SOI, SOS, EOI = 0x01, 0xD8, 0xDA, 0xD9
DECODABLE_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive; the rest no browser draws
PROGRESSIVE = 0xC2
OTHER_FRAMES = (0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)


def walk_jpeg(data: bytes, limits: Limits) -> Structure:
    """The outline of a JPEG, up to and with its first EOI: a second picture behind it (MPO) is a trailer."""
    frame: tuple[int, int, int] | None = None  # width, height, bytes to decode
    position, segments, scans = 2, 0, 0
    while match := MARKER.search(data, position):
        position, marker = match.end(), data[match.end() - 1]
        if marker == EOI:
            if frame is None or not scans:
                raise broken("JPEG without a picture")
            width, height, decoded = frame
            return Structure(Format.JPG, width, height, frames=1, end=position, decoded=decoded)
        segments += 1
        if segments > limits.chunks:
            raise broken("JPEG with too many segments")
        if marker in (TEM, SOI):  # these stand alone
            continue
        body = _segment(data, position)
        if marker in OTHER_FRAMES:
            raise broken("JPEG of an unusual process")
        if marker in DECODABLE_FRAMES:
            if frame is not None:
                raise broken("JPEG with two frame headers")
            frame = _frame(body, progressive=marker == PROGRESSIVE)
        if marker == SOS:
            scans += 1
            if frame is None or scans > limits.scans:
                raise broken("JPEG with a scan too early or too many")
        position += LENGTH.size + len(body)
    raise broken("JPEG cut before its end")


def _segment(data: bytes, position: int) -> bytes:
    """The body of the segment whose length field is at `position`."""
    start = position + LENGTH.size
    if start > len(data):
        raise broken("JPEG cut in a segment")
    stop = position + LENGTH.unpack_from(data, position)[0]
    if not start <= stop <= len(data):
        raise broken("JPEG with a bad segment length")
    return data[start:stop]


def _frame(body: bytes, progressive: bool) -> tuple[int, int, int]:
    if len(body) < FRAME.size:
        raise broken("JPEG with a bad frame header")
    precision, height, width, components = FRAME.unpack_from(body)
    if precision != 8 or components not in (1, 3, 4):
        raise broken("JPEG of an unusual depth or number of components")
    # A progressive one is held as 16-bit coefficients, beside its pixels, until its last scan.
    return width, height, width * height * components * (3 if progressive else 1)
