"""Colours that a picture describes without an ICC profile: primaries and a curve, by number (ITU-T H.273) or value."""

from dataclasses import dataclass

Primaries = tuple[float, float, float, float, float, float, float, float]  # x and y of white, red, green, blue

D65 = (0.3127, 0.3290)
PRIMARIES: dict[int, Primaries] = {
    1: (*D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06),  # BT.709, sRGB
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),  # BT.601 of 625 lines
    6: (*D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),  # BT.601 of 525 lines
    7: (*D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    8: (0.310, 0.316, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),  # film
    9: (*D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),  # BT.2020
    10: (1 / 3, 1 / 3, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0),  # XYZ
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # cinemas
    12: (*D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # Display P3
    22: (*D65, 0.630, 0.340, 0.295, 0.605, 0.155, 0.077),
}
BT709 = 1
# By the curve's number: a gamma, or a name.
CURVES: dict[int, float | str] = {
    **dict.fromkeys((1, 6, 11, 14, 15), 2.4),  # video's, as a screen shows it (BT.1886)
    4: 2.2,
    5: 2.8,
    7: "smpte240",
    8: 1.0,
    13: "srgb",
    16: "pq",
    17: "cinema",
    18: "hlg",
}
VIDEO = (1, 6, 14, 15)
# A file within these distances of sRGB means sRGB.
SAME_GAMMA, SAME_POINT = 0.02, 0.002


@dataclass(frozen=True)
class Colours:
    primaries: Primaries
    curve: float | str  # a gamma, or one of the names in `CURVES`

    @property
    def is_srgb(self) -> bool:
        """Whether they are so near to sRGB that no conversion is needed."""
        is_near = all(abs(a - b) < SAME_POINT for a, b in zip(self.primaries, PRIMARIES[BT709], strict=True))
        gamma = 2.2 if self.curve == "srgb" else self.curve
        return is_near and isinstance(gamma, float) and abs(gamma - 2.2) < SAME_GAMMA


def colours_by_number(primaries: int, curve: int) -> Colours:
    """Return an AVIF's or HEIC's colours. Treats video curves as sRGB's, as browsers do there; unknown numbers too."""
    shown = "srgb" if curve in VIDEO else CURVES.get(curve, "srgb")
    return Colours(PRIMARIES.get(primaries, PRIMARIES[BT709]), shown)
