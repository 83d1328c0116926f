"""The EXIF orientation of a picture, as Chromium reads it: decoders also take values of other types."""

import zlib
from struct import Struct

from image_service.pixels.structure.png.chunks import chunks_of

HEADS = {b"II*\0": "<", b"MM\0*": ">"}  # of TIFF, by byte order
MARK = b"Exif\0"  # before the TIFF in a JPEG, then any byte
OFFSET_END = 8  # of the first directory's offset
TAG, SHORT = 0x0112, 3
UPRIGHT = 1
ORIENTATIONS = range(1, 9)


def orientation_in_jpeg(exif: bytes) -> int:
    """Read it from a JPEG's first EXIF segment."""
    return _of_tiff(exif[len(MARK) + 1 :]) if exif.startswith(MARK) else UPRIGHT


def orientation_in_png(data: bytes) -> int:
    """Read it from the first intact eXIf chunk before the pixels."""
    for each in chunks_of(data):
        if each.kind == b"IDAT":
            break
        if each.kind == b"eXIf" and zlib.crc32(each.body, zlib.crc32(each.kind)) == each.checksum:
            return _of_tiff(bytes(each.body))
    return UPRIGHT


def _of_tiff(tiff: bytes) -> int:
    """Return the first valid orientation: one SHORT. Entries may be cut."""
    order = HEADS.get(tiff[:4])
    if order is None or len(tiff) < OFFSET_END:
        return UPRIGHT
    offset, count, entry = (Struct(order + fields) for fields in ("I", "H", "HHIH2x"))
    at = offset.unpack_from(tiff, OFFSET_END - offset.size)[0]
    if at + count.size > len(tiff):
        return UPRIGHT
    fits = (len(tiff) - at - count.size) // entry.size
    for number in range(min(count.unpack_from(tiff, at)[0], fits)):
        tag, type_, values, value = entry.unpack_from(tiff, at + count.size + number * entry.size)
        if (tag, type_, values) == (TAG, SHORT, 1) and value in ORIENTATIONS:
            return int(value)
    return UPRIGHT
