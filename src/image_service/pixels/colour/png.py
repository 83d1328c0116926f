"""Colours that a PNG's chunks describe, by Chromium's precedence: cICP, iCCP, sRGB, gAMA with cHRM (W3C PNG 3, section
4.3), in any order. Chunks with a wrong CRC or length do not count; of several of a kind the first does.
"""

import zlib
from struct import Struct

from image_service.pixels.colour.described import BT709, CURVES, PRIMARIES, Colours, Primaries
from image_service.pixels.structure.png.chunks import Chunk, chunks_of

CICP, CHRM, GAMA = Struct(">BBBB"), Struct(">8I"), Struct(">I")
LENGTHS = {b"cICP": CICP.size, b"sRGB": 1, b"gAMA": GAMA.size, b"cHRM": CHRM.size}
RGB, FULL_RANGE = 0, 1  # cICP's matrix and range
INTENTS = range(4)  # of sRGB
UNIT = 100_000  # of gAMA and cHRM
LEAST_AREA = 1e-6  # of a triangle of primaries
LONGEST_NAME = 79  # bytes, of a profile
MOST_PROFILE = 4 * 1024 * 1024  # bytes, inflated: more than any real profile


class PngColours:
    """`coded` outranks `profile`, which outranks `otherwise` if it is a valid profile at all."""

    def __init__(self, data: bytes) -> None:
        found = _found(data)
        self.coded = _coded(found.get(b"cICP"))
        self.profile = _profile(found.get(b"iCCP"))
        self.otherwise = None if b"sRGB" in found else _measured(found.get(b"gAMA"), found.get(b"cHRM"))


def _found(data: bytes) -> dict[bytes, bytes]:
    """Return the first valid chunk of each kind, before the pixels."""
    found: dict[bytes, bytes] = {}
    for each in chunks_of(data):
        if each.kind == b"IDAT":
            break
        if each.kind not in found and _is_valid(each, found):
            found[each.kind] = bytes(each.body)
    return found


def _is_valid(each: Chunk, found: dict[bytes, bytes]) -> bool:
    kind, body = each.kind, each.body
    if kind not in (*LENGTHS, b"iCCP", b"PLTE") or len(body) != LENGTHS.get(kind, len(body)):
        return False
    if kind == b"cICP" and b"PLTE" in found:
        return False
    if (kind == b"sRGB" and body[0] not in INTENTS) or (kind == b"gAMA" and not any(body)):
        return False
    return zlib.crc32(body, zlib.crc32(kind)) == each.checksum


def _coded(body: bytes | None) -> Colours | None:
    """Return the numbered colours; None if a number is unspecified or unknown."""
    if body is None:
        return None
    primaries, curve, *shape = CICP.unpack(body)
    if shape != [RGB, FULL_RANGE] or primaries not in PRIMARIES or curve not in CURVES:
        return None
    return Colours(PRIMARIES[primaries], CURVES[curve])


def _profile(body: bytes | None) -> bytes | None:
    """Inflate the profile; None if that fails."""
    name, _, rest = (body or b"").partition(b"\0")
    if not 0 < len(name) <= LONGEST_NAME or rest[:1] != b"\0":
        return None
    inflater = zlib.decompressobj()
    try:
        profile = inflater.decompress(rest[1:], MOST_PROFILE)
    except zlib.error:
        return None
    return profile if inflater.eof else None


def _measured(gamma: bytes | None, points: bytes | None) -> Colours | None:
    """Without gAMA, cHRM does not count; with invalid points, neither does."""
    if gamma is None:
        return None
    primaries = _sound(tuple(value / UNIT for value in CHRM.unpack(points))) if points else PRIMARIES[BT709]
    return Colours(primaries, UNIT / GAMA.unpack(gamma)[0]) if primaries else None


def _sound(values: tuple[float, ...]) -> Primaries | None:
    """Return the primaries if they form a triangle and have a valid white point, else None."""
    white_x, white_y, *points = values
    (rx, ry), (gx, gy), (bx, by) = zip(points[::2], points[1::2], strict=True)
    area = abs((gx - rx) * (by - ry) - (bx - rx) * (gy - ry))
    is_valid = all(value <= 1 for value in values) and white_y > 0 and area > LEAST_AREA
    return (white_x, white_y, rx, ry, gx, gy, bx, by) if is_valid else None
