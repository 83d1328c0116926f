"""JPEG: markers with a segment each; after SOS, coded bytes up to the next marker (ITU T.81, annex B).

The walk records edits that remove what decoders only warn about. Remaining warnings then mean lost pixels, so the
decode can be strict.
"""

import re
from struct import Struct

from image_service.errors import Kind
from image_service.pixels.limits import Limits, broken, cut, other
from image_service.pixels.picture import Format
from image_service.pixels.structure.jpeg_scans import WHOLE_SPECTRUM, Scans
from image_service.pixels.structure.outline import Edit, Structure

# FF 00 is a stuffed byte, FF D0-D7 restarts within a scan, FF FF padding: none ends a scan.
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
LENGTH = Struct(">H")
FRAME = Struct(">BHHB")  # precision, height, width, components
TEM, SOI, SOS, EOI, JFIF, ADOBE = 0x01, 0xD8, 0xDA, 0xD9, 0xE0, 0xEE
DECODABLE_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive; no browser renders others
PROGRESSIVE = 0xC2
OTHER_FRAMES = (0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
METADATA = (*range(0xE0, 0xF0), 0xFE)  # APPn, COM
JFIF_MAJOR = 5  # offset of the version; libjpeg treats any as 1
ADOBE_TRANSFORM = 11  # offset
TRANSFORMS = {3: (0, 1), 4: (0, 2)}  # by number of components: none, YCbCr or YCCK; libjpeg reads others as the last
COEFFICIENT_BYTES = 2
END = bytes((0xFF, EOI))
PADDING = b"\0\xff"
SHORTEST_FILL, ALIGNMENT = 16, 4  # bytes


def walk_jpeg(data: bytes, limits: Limits) -> Structure:
    """Return the outline of a JPEG, through its first EOI: a second picture after it (MPO) is a trailer."""
    return _Walk(data, limits).structure()


class _Walk:
    def __init__(self, data: bytes, limits: Limits) -> None:
        self._data = data
        self._limits = limits
        self._edits: list[Edit] = []
        self._adobe: list[int] = []  # offsets of the transform codes
        self._size: tuple[int, int, int] | None = None  # width, height, components
        self._scans = Scans(b"", is_progressive=False)
        self._is_progressive = False
        self._is_interleaved = True  # the first scan has all components

    def structure(self) -> Structure:
        position = segments = 2
        while match := MARKER.search(self._data, position):
            if match.start() > position and not self._scans.count:  # after a scan, these bytes belong to it
                self._edits.append(Edit(position, match.start()))
            position, marker = match.end(), self._data[match.end() - 1]
            if marker == EOI:
                return self._ended(position, is_open=False)
            segments += 1
            if segments > self._limits.chunks:
                raise broken("JPEG with too many segments")
            if marker in (TEM, SOI):  # markers without a segment
                if not self._scans.count:
                    self._edits.append(Edit(match.start(), position))
                continue
            if self._is_stunted(marker, position):
                self._edits.append(Edit(match.start(), position + LENGTH.size))
                position += LENGTH.size
                continue
            body = self._segment(position)
            self._read(marker, body, position + LENGTH.size)
            position += LENGTH.size + len(body)
        self._edits.append(Edit(behind_pixels(self._data), len(self._data), END))
        return self._ended(len(self._data), is_open=True)

    def _is_stunted(self, marker: int, position: int) -> bool:
        """Whether it is metadata before the pixels with a length of 0 or 1, which decoders read as an empty segment."""
        is_metadata = marker in METADATA and not self._scans.count
        return is_metadata and self._data[position : position + LENGTH.size] in (b"\0\0", b"\0\1")

    def _segment(self, position: int) -> bytes:
        """Return the body of the segment whose length field is at `position`."""
        start = position + LENGTH.size
        if start > len(self._data):
            raise cut("JPEG cut in a segment")
        stop = position + LENGTH.unpack_from(self._data, position)[0]
        if stop < start:
            raise broken("JPEG with a bad segment length")
        if stop > len(self._data):
            raise cut("JPEG cut in a segment")
        return self._data[start:stop]

    def _read(self, marker: int, body: bytes, at: int) -> None:
        if marker in OTHER_FRAMES and self._size is None:
            raise other(Kind.UNUSUAL_JPEG)
        if marker in DECODABLE_FRAMES:
            self._frame(body, is_progressive=marker == PROGRESSIVE)
        elif marker == SOS:
            self._scan(body, at)
        elif marker == JFIF and body.startswith(b"JFIF\0") and len(body) > JFIF_MAJOR and body[JFIF_MAJOR] != 1:
            self._edits.append(Edit(at + JFIF_MAJOR, at + JFIF_MAJOR + 1, b"\1"))
        elif marker == ADOBE and body.startswith(b"Adobe") and len(body) > ADOBE_TRANSFORM:
            self._adobe.append(at + ADOBE_TRANSFORM)

    def _frame(self, body: bytes, *, is_progressive: bool) -> None:
        if self._size is not None:
            raise broken("JPEG with two frame headers")
        if len(body) < FRAME.size:
            raise broken("JPEG with a bad frame header")
        precision, height, width, components = FRAME.unpack_from(body)
        if precision != 8 or components not in (1, 3, 4):
            raise other(Kind.UNUSUAL_JPEG)
        self._size = width, height, components
        self._is_progressive = is_progressive
        self._scans = Scans(body[FRAME.size :], is_progressive=is_progressive)

    def _scan(self, header: bytes, at: int) -> None:
        if self._size is None or self._scans.count >= self._limits.scans:
            raise broken("JPEG with a scan too early or too many")
        self._scans.add(header)
        if self._scans.count == 1:
            self._is_interleaved = header[0] == self._size[2]
        if not self._is_progressive and header[-3:] != WHOLE_SPECTRUM:
            self._edits.append(Edit(at + len(header) - 3, at + len(header), WHOLE_SPECTRUM))

    def _ended(self, end: int, *, is_open: bool) -> Structure:
        if self._size is None or not self._scans.count:
            raise cut("JPEG without a picture") if is_open else broken("JPEG without a picture")
        if not self._scans.is_whole:
            raise cut("JPEG without all of its scans")
        width, height, components = self._size
        known = TRANSFORMS.get(components, ())
        for at in self._adobe:
            if known and self._data[at] not in known:
                self._edits.append(Edit(at, at + 1, bytes(known[-1:])))
        samples = width * height * components
        # With several scans, the decoder holds coefficients besides pixels until the last scan.
        is_held = self._is_progressive or not self._is_interleaved
        return Structure(
            Format.JPG,
            width,
            height,
            frames=1,
            end=end,
            decoded=samples * (1 + COEFFICIENT_BYTES) if is_held else samples,
            edits=tuple(sorted(self._edits, key=lambda edit: edit.start)),
            is_open=is_open,
        )


def without_junk(data: bytes, junk: int) -> bytes:
    """Return a JPEG that ends with EOI without the `junk` bytes before EOI that libjpeg has reported. If those are
    padding, also remove all padding there.
    """
    stop = max(0, len(data) - len(END) - junk)
    is_padding = data[stop] in PADDING
    return data[: behind_pixels(data[:stop]) if is_padding else stop] + END


def without_fill(data: bytes) -> tuple[bytes, bytes] | None:
    """Return a JPEG that ends with EOI in two versions: without the last four zeros before EOI (some encoders align to
    four), and without all zeros that may be padding. None if there are fewer than `SHORTEST_FILL`.
    """
    stop = len(data) - len(END)
    if data[max(0, stop - SHORTEST_FILL) : stop] != bytes(SHORTEST_FILL):
        return None
    return data[: stop - ALIGNMENT] + END, data[: behind_pixels(data[:stop])] + END


def behind_pixels(data: bytes) -> int:
    """Return the start of the padding at the end of `data`. The last pixel byte may be zero, or FF with its stuffed
    byte."""
    stop = len(data.rstrip(PADDING))
    return stop + (2 if data.startswith(b"\xff\0", stop) else data.startswith(b"\0", stop))
