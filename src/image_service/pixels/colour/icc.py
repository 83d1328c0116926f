"""Makes an ICC profile (ICC.1:2001-04) from primaries and a curve, for libvips' conversion."""

from collections.abc import Callable
from functools import lru_cache
from math import exp
from struct import pack

from image_service.pixels.colour.described import Colours, Primaries

D50 = (0.9642, 1.0, 0.8249)
BRADFORD = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
SAMPLES = 4096  # of a curve
LARGEST = 32_767.0  # that a profile can hold
# HDR is tone-mapped to a screen's range: paper white (203 candelas, BT.2408) is nearly the brightest, and brighter
# values rise from there ever more slowly.
PAPER_WHITE = 203.0
KNEE = 0.75  # values up to here stay unchanged

Matrix = tuple[tuple[float, float, float], ...]


@lru_cache(maxsize=32)
def profile_of(colours: Colours, *, is_grey: bool) -> bytes:
    """Return the ICC profile of pictures with these colours."""
    white = b"XYZ " + bytes(4) + _fixed(*D50)
    curve = _curve(colours.curve)
    if is_grey:
        return _profile(b"GRAY", {b"wtpt": white, b"kTRC": curve})
    columns = zip(*_to_d50(colours.primaries), strict=True)
    points = {name: b"XYZ " + bytes(4) + _fixed(*column) for name, column in zip(POINTS, columns, strict=True)}
    return _profile(b"RGB ", {b"wtpt": white, **points, **dict.fromkeys(CURVES, curve)})


POINTS = (b"rXYZ", b"gXYZ", b"bXYZ")
CURVES = (b"rTRC", b"gTRC", b"bTRC")


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    description = b"described in the picture\0"
    tags = {
        b"desc": b"desc" + bytes(4) + pack(">I", len(description)) + description + bytes(78),
        b"cprt": b"text" + bytes(4) + b"none\0",
        **tags,
    }
    at = 128 + 4 + 12 * len(tags)
    table, bodies, places = b"", b"", dict[bytes, int]()
    for name, body in tags.items():
        if body not in places:
            places[body] = at + len(bodies)
            bodies += body + bytes(-len(body) % 4)
        table += name + pack(">II", places[body], len(body))
    size = at + len(bodies)
    header = pack(">I4xI4s4s4s12x4s", size, 0x02400000, b"mntr", space, b"XYZ ", b"acsp").ljust(68, b"\0")
    return (header + _fixed(*D50)).ljust(128, b"\0") + pack(">I", len(tags)) + table + bodies


def _fixed(*values: float) -> bytes:
    return pack(f">{len(values)}i", *(round(min(max(value, -LARGEST), LARGEST) * 65536) for value in values))


def _curve(curve: float | str) -> bytes:
    to_linear = NAMED[curve] if isinstance(curve, str) else lambda value: value**curve
    values = (min(max(to_linear(at / (SAMPLES - 1)), 0.0), 1.0) for at in range(SAMPLES))
    return b"curv" + bytes(4) + pack(f">I{SAMPLES}H", SAMPLES, *(round(value * 65535) for value in values))


def _srgb(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _smpte240(value: float) -> float:
    """SMPTE 240M, old high-definition video."""
    return value / 4 if value < 0.0912863 else ((value + 0.1115722) / 1.1115722) ** (1 / 0.45)


def _cinema(value: float) -> float:
    """SMPTE ST 428-1."""
    return float(52.37 / 48 * value**2.6)


def _pq(value: float) -> float:
    """SMPTE ST 2084."""
    power = value ** (32 / 2523)
    light = (max(power - 107 / 128, 0.0) / (2413 / 128 - 2392 / 128 * power)) ** (16384 / 2610)
    return _shown(light * 10_000 / PAPER_WHITE)


def _hlg(value: float) -> float:
    """BT.2100, on a screen of 1,000 candelas."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = value * value / 3 if value <= 0.5 else (exp((value - c) / a) + b) / 12
    return _shown(1_000 * scene**1.2 / PAPER_WHITE)


def _shown(light: float) -> float:
    return light if light <= KNEE else KNEE + (1 - KNEE) * (1 - exp((KNEE - light) / (1 - KNEE)))


NAMED: dict[str, Callable[[float], float]] = {
    "srgb": _srgb,
    "smpte240": _smpte240,
    "cinema": _cinema,
    "pq": _pq,
    "hlg": _hlg,
}


def _to_d50(primaries: Primaries) -> Matrix:
    """Return the matrix from RGB to XYZ, adapted to the profiles' white, D50."""
    white_x, white_y, *points = primaries
    columns = [(x, y, 1 - x - y) for x, y in zip(points[::2], points[1::2], strict=True)]
    white = (white_x / white_y, 1.0, (1 - white_x - white_y) / white_y)
    matrix = tuple(zip(*columns, strict=True))
    shares = _times(_inverse(matrix), white)
    scaled = tuple(tuple(value * share for value, share in zip(row, shares, strict=True)) for row in matrix)
    cones, wanted = _times(BRADFORD, white), _times(BRADFORD, D50)
    (a, b, c), (d, e, f), (g, h, i) = BRADFORD
    x, y, z = (there / here for there, here in zip(wanted, cones, strict=True))
    gains = ((a * x, b * x, c * x), (d * y, e * y, f * y), (g * z, h * z, i * z))
    return _product(_product(_inverse(BRADFORD), gains), scaled)


def _times(matrix: Matrix, vector: tuple[float, ...]) -> tuple[float, float, float]:
    x, y, z = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return x, y, z


def _product(one: Matrix, other: Matrix) -> Matrix:
    columns = [_times(one, column) for column in zip(*other, strict=True)]
    return tuple(zip(*columns, strict=True))


def _inverse(matrix: Matrix) -> Matrix:
    (a, b, c), (d, e, f), (g, h, i) = matrix
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    return (
        ((e * i - f * h) / determinant, (c * h - b * i) / determinant, (b * f - c * e) / determinant),
        ((f * g - d * i) / determinant, (a * i - c * g) / determinant, (c * d - a * f) / determinant),
        ((d * h - e * g) / determinant, (b * g - a * h) / determinant, (a * e - b * d) / determinant),
    )
