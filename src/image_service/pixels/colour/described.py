"""Colours that a picture describes without an ICC profile: primaries and a curve, by number (ITU-T H.273) or value."""

from dataclasses import dataclass
from struct import Struct, error

from image_service.pixels.picture import Format
from image_service.pixels.structure.png.chunks import chunks_of
from image_service.pixels.structure.walk_heif import coded_colours

Primaries = tuple[float, float, float, float, float, float, float, float]  # x and y of white, red, green, blue

D65 = (0.3127, 0.3290)
PRIMARIES: dict[int, Primaries] = {
    1: (*D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06),  # BT.709, sRGB
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),  # BT.601 of 625 lines
    6: (*D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),  # BT.601 of 525 lines
    7: (*D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    9: (*D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),  # BT.2020
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # cinemas
    12: (*D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # Display P3
    22: (*D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
SRGB = 13
GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}  # by the curve's number
HDR = {16: "pq", 18: "hlg"}
CHRM, GAMA = Struct(">8I"), Struct(">I")
UNIT = 100_000  # of both
GAMMA_RANGE = range(1_000, 1_000_000)  # values outside are invalid
# A file within these distances of sRGB means sRGB.
SAME_GAMMA, SAME_POINT = 0.02, 0.002


@dataclass(frozen=True)
class Colours:
    primaries: Primaries
    curve: float | str  # a gamma; or `srgb`, `pq`, `hlg`


def colours_of(data: bytes, format: Format) -> Colours | None:
    """Return the described colours; None: sRGB, or no usable description."""
    if format is Format.PNG:
        return _of_png(data)
    if format in (Format.AVIF, Format.HEIC):
        numbers = coded_colours(data)
        return _by_number(*numbers) if numbers else None
    return None


def _by_number(primaries: int, curve: int) -> Colours | None:
    """Treats video curves as sRGB's, as browsers do."""
    known = PRIMARIES.get(primaries, PRIMARIES[1])
    return _unless_srgb(Colours(known, HDR.get(curve) or GAMMAS.get(curve) or "srgb"))


def _of_png(data: bytes) -> Colours | None:
    primaries, curve = PRIMARIES[1], 0.0
    for each in chunks_of(data):
        if each.kind == b"IDAT":
            break
        if each.kind in (b"sRGB", b"iCCP"):
            return None
        try:
            if each.kind == b"cICP":
                return _by_number(each.body[0], each.body[1])
            if each.kind == b"cHRM":
                primaries = _sound(tuple(value / UNIT for value in CHRM.unpack(each.body))) or primaries
            elif each.kind == b"gAMA" and (value := GAMA.unpack(each.body)[0]) in GAMMA_RANGE:
                curve = UNIT / value
        except (error, IndexError):
            continue  # wrong length
    return _unless_srgb(Colours(primaries, curve or "srgb"))


def _sound(values: tuple[float, ...]) -> Primaries | None:
    """Return the primaries if they form a triangle and have a valid white point, else None."""
    white_x, white_y, *points = values
    (rx, ry), (gx, gy), (bx, by) = zip(points[::2], points[1::2], strict=True)
    area = abs((gx - rx) * (by - ry) - (bx - rx) * (gy - ry))
    within = all(0 <= x <= 1 and 0 < y <= 1 for x, y in zip(values[::2], values[1::2], strict=True))
    return (white_x, white_y, rx, ry, gx, gy, bx, by) if within and area > 0.01 else None


def _unless_srgb(colours: Colours) -> Colours | None:
    is_near = all(abs(a - b) < SAME_POINT for a, b in zip(colours.primaries, PRIMARIES[1], strict=True))
    is_curve = colours.curve == "srgb" or (isinstance(colours.curve, float) and abs(colours.curve - 2.2) < SAME_GAMMA)
    return None if is_near and is_curve else colours
