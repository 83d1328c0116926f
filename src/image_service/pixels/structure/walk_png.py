"""PNG: signature, then chunks of length, type, body, CRC (W3C PNG, section 5)."""

import zlib
from struct import Struct

from image_service.pixels.limits import Limits, broken, cut
from image_service.pixels.picture import Format
from image_service.pixels.structure.outline import Edit, Structure

SIGNATURE_BYTES = 8
CHUNK_HEAD = Struct(">I4s")  # length of the body, type
CRC = Struct(">I")
IHDR = Struct(">IIBBBBB")  # width, height, bit depth, colour type, compression, filter, interlace
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
PALETTE = 3
DEPTHS = (1, 2, 4, 8, 16)
KNOWN_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
COMPRESSED = (b"zTXt", b"iTXt", b"iCCP")  # may inflate to far more than they weigh


def size_of_palette_png(data: bytes) -> tuple[int, int] | None:
    """Width and height of one that has been walked; None if its pixels are no indices into a palette."""
    width, height, _, colour_type, *_ = IHDR.unpack_from(data, SIGNATURE_BYTES + CHUNK_HEAD.size)
    return (width, height) if colour_type == PALETTE else None


def walk_png(data: bytes, limits: Limits) -> Structure:
    """The outline of a PNG; of an animated one its first image, which is all that the decoder reads.

    Without IEND it ends behind its last chunk, and where its last pixels are cut: the decoder tells whether all are
    there.
    """
    view = memoryview(data)
    position = SIGNATURE_BYTES
    header: tuple[int, int, int, int] | None = None  # width, height, colour type, bytes to decode
    others = compressed = 0
    seen: set[bytes] = set()
    edits: tuple[Edit, ...] = ()
    while b"IEND" not in seen:
        found = _chunk_at(view, position)
        if found is None:
            if b"IDAT" not in seen and not data.startswith(b"IDAT", position + 4):
                raise cut("PNG cut before its pixels")
            edits = (_ending(view, position),)
            position = edits[0].stop
            seen.add(b"IDAT")
            break
        kind, body, checksum = found
        position += CHUNK_HEAD.size + len(body) + CRC.size

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
            if kind != b"IDAT" and zlib.crc32(body, zlib.crc32(kind)) != checksum:
                raise broken("PNG with a wrong checksum")
            seen.add(kind)
        others += kind != b"IDAT"
        compressed += kind in COMPRESSED
        if others > limits.chunks or compressed > limits.text:
            raise broken("PNG with too many chunks")

    width, height, colour_type, decoded = header or (0, 0, 0, 0)
    if b"IDAT" not in seen or (colour_type == PALETTE and b"PLTE" not in seen):
        raise broken("PNG without pixels or palette")
    return Structure(
        Format.PNG, width, height, frames=1, end=position, decoded=decoded, edits=edits, is_open=bool(edits)
    )


def _chunk_at(view: memoryview, position: int) -> tuple[bytes, memoryview, int] | None:
    """Type, body and checksum; None if no whole chunk is there."""
    body_at = position + CHUNK_HEAD.size
    if body_at + CRC.size > len(view):
        return None
    length, kind = CHUNK_HEAD.unpack_from(view, position)
    body_end = body_at + length
    if body_end + CRC.size > len(view) or not kind.isalpha():
        return None
    return kind, view[body_at:body_end], CRC.unpack_from(view, body_end)[0]


def _ending(view: memoryview, position: int) -> Edit:
    """What a decoder is shown from `position` on, where no whole chunk is: the pixels of a cut IDAT, and IEND."""
    length, kind = CHUNK_HEAD.unpack(bytes(view[position : position + CHUNK_HEAD.size]).ljust(CHUNK_HEAD.size, b"\0"))
    body = bytes(view[position + CHUNK_HEAD.size :][:length])
    is_cut = kind.isalpha() or len(view) - position < CHUNK_HEAD.size
    pixels = _chunk(b"IDAT", body) if kind == b"IDAT" else b""
    return Edit(position, len(view) if is_cut else position, pixels + _chunk(b"IEND", b""))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return CHUNK_HEAD.pack(len(body), kind) + body + CRC.pack(zlib.crc32(body, zlib.crc32(kind)))


def _header(body: memoryview) -> tuple[int, int, int, int]:
    if len(body) != IHDR.size:
        raise broken("PNG with a bad IHDR")
    width, height, depth, colour_type, compression, filtering, interlace = IHDR.unpack(body)
    if colour_type not in CHANNELS or depth not in DEPTHS or compression or filtering or interlace > 1:
        raise broken("PNG with a bad IHDR")
    row_bytes = (width * depth * CHANNELS[colour_type] + 7) // 8
    return width, height, colour_type, height * row_bytes
