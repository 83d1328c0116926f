"""How long an animation's frames are shown and how often it plays, within what each format can hold."""

from collections.abc import Sequence
from dataclasses import dataclass

from image_service.pixels.picture import Format

MOST_TICKS = 65_535  # a delay in GIF and APNG: 16 bits
PER_SECOND = (1000, 100, 10, 1)  # divisors of an APNG's delay
LIBVIPS_TIME = 2**31 - 1  # milliseconds of all frames together: libvips counts them for WebP in 32 bits


@dataclass(frozen=True)
class Timing:
    milliseconds: int  # the longest delay of a frame
    plays: int  # the most, if not for ever


MOST = {
    Format.GIF: Timing(10 * MOST_TICKS, 65_536),  # 1/100 s; 16 bits of plays after the first
    Format.WEBP: Timing(2**24 - 1, 65_535),
    Format.PNG: Timing(1000 * MOST_TICKS, 2**31 - 1),
}


def held_delays(milliseconds: Sequence[int], format: Format) -> list[int]:
    """Return the frames' delays, none longer than `format` can hold: others would wrap around or fail."""
    most = MOST[format].milliseconds
    if format is Format.WEBP:
        most = min(most, LIBVIPS_TIME // len(milliseconds))
    return [min(max(each, 0), most) for each in milliseconds]


def held_plays(plays: int, format: Format) -> int:
    """Return the number of plays, 0 for ever, as far as `format` can count."""
    return min(plays, MOST[format].plays)


def fraction(milliseconds: int) -> tuple[int, int]:
    """Return a delay of an APNG and its divisor: as exact as 16 bits allow."""
    for per_second in PER_SECOND:
        ticks = round(milliseconds * per_second / 1000)
        if ticks <= MOST_TICKS:
            return ticks, per_second
    return MOST_TICKS, 1
