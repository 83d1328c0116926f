"""The chunks of a PNG: length, type, body, CRC (W3C PNG, section 5)."""

import zlib
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHUNK_HEAD = Struct(">I4s")  # length of the body, type
CRC = Struct(">I")
IHDR = Struct(">IIBBBBB")  # width, height, bit depth, colour type, compression, filter, interlace


class Chunk(NamedTuple):
    kind: bytes
    body: memoryview
    checksum: int
    start: int  # of the body in the data
    stop: int

    @property
    def is_right(self) -> bool:
        """Whether its checksum is. Reads the whole body."""
        return zlib.crc32(self.body, zlib.crc32(self.kind)) == self.checksum


def chunk_at(view: memoryview, position: int) -> Chunk | None:
    """Return the chunk at `position`; None if it is not complete."""
    start = position + CHUNK_HEAD.size
    if start + CRC.size > len(view):
        return None
    length, kind = CHUNK_HEAD.unpack_from(view, position)
    stop = start + length
    if stop + CRC.size > len(view) or not kind.isalpha():
        return None
    return Chunk(kind, view[start:stop], CRC.unpack_from(view, stop)[0], start, stop)


def chunks_of(data: bytes) -> Iterator[Chunk]:
    """Yield all complete chunks up to the end of the picture."""
    view, position = memoryview(data), len(SIGNATURE)
    while (found := chunk_at(view, position)) is not None:
        yield found
        if found.kind == b"IEND":
            return
        position = found.stop + CRC.size


def chunk(kind: bytes, body: bytes) -> bytes:
    return CHUNK_HEAD.pack(len(body), kind) + body + CRC.pack(zlib.crc32(body, zlib.crc32(kind)))
