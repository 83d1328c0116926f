"""Reads a picture's size from its HEVC headers (ITU-T H.265, section 7.3).

A decoder trusts these headers, not the file around them.
"""

from collections.abc import Iterator

from image_service.pixels.limits import broken
from image_service.pixels.structure.boxes import Fields, Tally
from image_service.pixels.structure.coded import HEAD_BYTES, Bits, Coded

SLICES = range(32)  # unit types with pixels
PARAMETERS = range(32, 35)  # of the video, the sequence, the picture
SEQUENCE = 33
HARMLESS = (35, 36, 37, 38, 39, 40)  # delimiters, end markers, filler, SEI
CONFIG_BYTES = 21  # of `hvcC`, before the size of unit lengths and the lists of units
SUBSAMPLED = 1  # chroma_format_idc: one colour sample per four pixels
HEAD_OF_UNIT = 2  # bytes
FIRST_SLICE = 0x80  # of a picture: a flag in the first byte after the unit's header


def coded_in_hevc(config: bytes, data: bytes, tally: Tally) -> Coded:
    """Read a still picture's headers. Raises `Refused` unless it is one, of one sequence, in `config` (`hvcC`)."""
    fields = Fields(memoryview(config))
    fields.take(CONFIG_BYTES)
    length_size = (fields.number(1) & 3) + 1
    sequences = []
    for _ in range(fields.number(1)):
        fields.number(1)  # their type, repeated in each unit
        for _ in range(fields.number(2)):
            tally.count()
            unit = fields.take(fields.number(2))
            if _kind(unit) not in (*PARAMETERS, *HARMLESS):
                raise broken("HEVC with pixels in its configuration")
            if _kind(unit) == SEQUENCE:
                sequences.append(_sequence(unit))
    pictures = 0
    for unit in _units(data, length_size, tally):
        if _kind(unit) in SLICES:
            pictures += bool(unit[HEAD_OF_UNIT:] and unit[HEAD_OF_UNIT] & FIRST_SLICE)
        elif _kind(unit) not in HARMLESS:
            raise broken("HEVC with parameters among its pixels")
    if len(sequences) != 1 or pictures != 1:
        raise broken("HEVC of two sequences or pictures, or none")
    return sequences[0]


def _kind(unit: bytes) -> int:
    return unit[0] >> 1 & 0x3F if unit else -1


def _units(data: bytes, length_size: int, tally: Tally) -> Iterator[bytes]:
    position = 0
    while position < len(data):
        tally.count()
        start = position + length_size
        stop = start + int.from_bytes(data[position:start], "big")
        if stop > len(data):
            raise broken("HEVC cut in a unit")
        yield data[start : min(stop, start + HEAD_OF_UNIT + 1)]
        position = stop


def _sequence(unit: bytes) -> Coded:
    # 00 00 03 encodes 00 00, so that no data looks like the start of a unit.
    bits = Bits(memoryview(unit[HEAD_OF_UNIT : HEAD_OF_UNIT + HEAD_BYTES].replace(b"\0\0\3", b"\0\0")))
    bits(4)
    layers = bits(3)
    bits(1)
    bits(88 + 8)  # profile, tier, level
    flags = [(bits(1), bits(1)) for _ in range(layers)]
    if layers:
        bits(2 * (8 - layers))
    for has_profile, has_level in flags:
        bits(88 * has_profile + 8 * has_level)
    bits.golomb()  # its id
    chroma = bits.golomb()
    if chroma == 3:
        bits(1)
    width, height = bits.golomb(), bits.golomb()
    left = right = top = bottom = 0
    if bits(1):  # crop, in colour samples
        left, right, top, bottom = (bits.golomb() for _ in range(4))
    across, down = (2 if chroma in (1, 2) else 1), (2 if chroma == SUBSAMPLED else 1)
    is_deep = max(bits.golomb(), bits.golomb()) > 0
    return Coded(
        width - across * (left + right),
        height - down * (top + bottom),
        is_subsampled=chroma in (0, SUBSAMPLED),
        is_deep=is_deep,
        held=width * height,
    )
