"""PNG: signature, then chunks of length, type, body, CRC (W3C PNG, section 5)."""

import zlib
from struct import Struct

from image_service.pixels.limits import Limits, broken
from image_service.pixels.picture import Format
from image_service.pixels.structure.outline import Structure

CHUNK_HEAD = Struct(">I4s")  # length of the body, type
CRC = Struct(">I")
IHDR = Struct(">IIBBBBB")  # width, height, bit depth, colour type, compression, filter, interlace
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
PALETTE = 3
DEPTHS = (1, 2, 4, 8, 16)
KNOWN_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
COMPRESSED = (b"zTXt", b"iTXt", b"iCCP")  # may inflate to far more than they weigh


def walk_png(data: bytes, limits: Limits) -> Structure:
    """The outline of a PNG; of an animated one its first image, which is all that the decoder reads."""
    view = memoryview(data)
    position = 8
    header: tuple[int, int, int, int] | None = None  # width, height, colour type, bytes to decode
    others = compressed = 0
    seen: set[bytes] = set()
    while True:
        body_at = position + CHUNK_HEAD.size
        if body_at + CRC.size > len(data):
            raise broken("PNG cut between chunks")
        length, kind = CHUNK_HEAD.unpack_from(data, position)
        body_end = body_at + length
        if body_end + CRC.size > len(data):
            raise broken("PNG cut within a chunk")
        body = view[body_at:body_end]
        position = body_end + CRC.size

        if header is None:
            if kind != b"IHDR":
                raise broken("PNG without IHDR")
            header = _header(body)
        elif kind == b"IHDR":
            raise broken("PNG with a second IHDR")
        if not kind[0] & 0x20:  # a lower-case first letter marks what a decoder may ignore
            if kind not in KNOWN_CRITICAL:
                raise broken("PNG with an unknown critical chunk")
            # IDAT's sum is left to the decoder, which reads those bytes anyway.
            if kind != b"IDAT" and zlib.crc32(body, zlib.crc32(kind)) != CRC.unpack_from(data, body_end)[0]:
                raise broken("PNG with a wrong checksum")
            seen.add(kind)
        others += kind != b"IDAT"
        compressed += kind in COMPRESSED
        if others > limits.chunks or compressed > limits.text:
            raise broken("PNG with too many chunks")
        if kind == b"IEND":
            break

    width, height, colour_type, decoded = header
    if b"IDAT" not in seen or (colour_type == PALETTE and b"PLTE" not in seen):
        raise broken("PNG without pixels or palette")
    return Structure(Format.PNG, width, height, frames=1, end=position, decoded=decoded)


def _header(body: memoryview) -> tuple[int, int, int, int]:
    if len(body) != IHDR.size:
        raise broken("PNG with a bad IHDR")
    width, height, depth, colour_type, compression, filtering, interlace = IHDR.unpack(body)
    if colour_type not in CHANNELS or depth not in DEPTHS or compression or filtering or interlace > 1:
        raise broken("PNG with a bad IHDR")
    row_bytes = (width * depth * CHANNELS[colour_type] + 7) // 8
    return width, height, colour_type, height * row_bytes
