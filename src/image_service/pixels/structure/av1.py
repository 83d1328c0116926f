"""Reads a picture's size from its AV1 headers (AV1 Bitstream & Decoding Process Specification, section 5).

A decoder trusts these headers, not the file around them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from image_service.pixels.limits import broken
from image_service.pixels.structure.boxes import Tally
from image_service.pixels.structure.coded import Bits, Coded

SEQUENCE, DELIMITER, FRAME_HEAD, TILES, METADATA, FRAME, PADDING = 1, 2, 3, 4, 5, 6, 15
KEY_FRAME, SELECT = 0, 2
HIGH, PROFESSIONAL = 1, 2  # profiles
UNSPECIFIED, SRGB = (2, 2, 2), (1, 13, 0)  # numbers of primaries, curve and matrix; the second without conversion
CONFIG_BYTES = 4  # of `av1C`, before units that precede the picture's data


@dataclass(frozen=True)
class Sequence:
    """The relevant fields of a sequence header."""

    width: int  # pixels
    height: int
    profile: int  # 0: one colour sample per four pixels; 1, 2: more
    is_deep: bool  # more than 8 bits a sample
    is_reduced: bool  # still picture: frames have no size of their own
    screen_content: int  # 0, 1, or SELECT: set per frame
    integer_motion: int
    id_bits: int  # of a frame's id; 0: no ids
    time_bits: int  # of a shown frame's time; 0: no times
    is_grey: bool
    colours: tuple[int, int, int]  # numbers of primaries, curve and matrix
    is_full_range: bool


def coded_in_av1(config: bytes, data: bytes, tally: Tally) -> Coded:
    """Read a still picture's headers from `config` (`av1C`) and `data`. Raises `Refused` unless it is one key frame."""
    found = sequence_of(config[CONFIG_BYTES:], data, tally)
    return Coded(
        found.width,
        found.height,
        is_subsampled=found.profile == 0,
        is_deep=found.is_deep,
        held=found.width * found.height,
        is_grey=found.is_grey,
        colours=found.colours,
        is_full_range=found.is_full_range,
    )


def sequence_of(config: bytes, data: bytes, tally: Tally) -> Sequence:
    """Read a still picture's sequence header. Raises `Refused` unless there is one key frame of that size."""
    sequence, frames = None, 0
    for kind, body in (*_units(config, tally), *_units(data, tally)):
        if kind == SEQUENCE:
            found = _sequence(Bits(body))
            if sequence not in (None, found):
                raise broken("AV1 of two sequences")
            sequence = found
        elif kind in (FRAME, FRAME_HEAD):
            frames += 1
            if sequence is None or frames > 1:  # a hidden frame costs as much as a shown one
                raise broken("AV1 with more than one frame, or none of known size")
            _check_frame(Bits(body), sequence)
        elif kind not in (DELIMITER, TILES, METADATA, PADDING):
            raise broken("AV1 with an unusual unit")
    if sequence is None or not frames:
        raise broken("AV1 without a picture")
    return sequence


def _units(data: bytes, tally: Tally) -> Iterator[tuple[int, memoryview]]:
    """Yield type and body of each unit (OBU)."""
    view, position = memoryview(data), 0
    while position < len(view):
        tally.count()
        head = view[position]
        position += 2 if head & 0x04 else 1  # one extension byte
        size = len(view) - position
        if head & 0x02:
            size = shift = 0
            while True:  # little-endian, seven bits per byte
                if position >= len(view) or shift > 49:
                    raise broken("AV1 cut between units")
                size |= (view[position] & 0x7F) << shift
                position += 1
                shift += 7
                if not view[position - 1] & 0x80:
                    break
        if head & 0x80 or size < 0 or position + size > len(view):
            raise broken("AV1 cut in a unit")
        yield head >> 3 & 0x0F, view[position : position + size]
        position += size


def _sequence(bits: Bits) -> Sequence:
    profile, _, is_reduced = bits(3), bits(1), bool(bits(1))
    time_bits = 0
    if is_reduced:
        bits(5)  # level
    else:
        time_bits = _operating_points(bits)
    width_bits, height_bits = bits(4) + 1, bits(4) + 1
    width, height = bits(width_bits) + 1, bits(height_bits) + 1
    id_bits = 0
    if not is_reduced and bits(1):
        delta_bits = bits(4) + 2
        id_bits = delta_bits + bits(3) + 1
    bits(3)  # block size, two filters
    screen_content = integer_motion = SELECT
    if not is_reduced:
        bits(4)  # kinds of prediction between frames
        order_hint = bits(1)
        if order_hint:
            bits(2)
        screen_content = SELECT if bits(1) else bits(1)
        if screen_content:
            integer_motion = SELECT if bits(1) else bits(1)
        if order_hint:
            bits(3)
    bits(3)  # superres (can only shrink the coded frame), two filters
    is_deep = bool(bits(1))
    if profile == PROFESSIONAL and is_deep:
        bits(1)  # 12 bits a sample
    is_grey = profile != HIGH and bool(bits(1))
    colours = (bits(8), bits(8), bits(8)) if bits(1) else UNSPECIFIED
    is_full_range = (colours == SRGB and not is_grey) or bool(bits(1))
    return Sequence(
        width,
        height,
        profile,
        is_deep,
        is_reduced,
        screen_content,
        integer_motion,
        id_bits,
        time_bits,
        is_grey,
        colours,
        is_full_range,
    )


def _operating_points(bits: Bits) -> int:
    """Skip the operating points. Returns how many bits a frame's time has."""
    delay_bits = time_bits = 0
    if bits(1):  # timing
        bits(64)
        equal_intervals = bits(1)
        if equal_intervals:
            bits.golomb()
        if bits(1):  # decoder model
            delay_bits = bits(5) + 1
            bits(32 + 5)
            frame_time_bits = bits(5) + 1
            time_bits = 0 if equal_intervals else frame_time_bits
    has_display_delay = bits(1)
    for _ in range(bits(5) + 1):
        bits(12)
        if bits(5) > 7:
            bits(1)  # tier
        if delay_bits and bits(1):
            bits(2 * delay_bits + 1)
        if has_display_delay and bits(1):
            bits(4)
    return time_bits


def _check_frame(bits: Bits, sequence: Sequence) -> None:
    if sequence.is_reduced:
        return
    if bits(1) or bits(2) != KEY_FRAME or not bits(1):  # shows an earlier frame; type; is shown
        raise broken("AV1 whose frame is no key frame that is shown")
    bits(sequence.time_bits)
    bits(1)
    screen_content = bits(1) if sequence.screen_content == SELECT else sequence.screen_content
    if screen_content and sequence.integer_motion == SELECT:
        bits(1)
    bits(sequence.id_bits)
    if bits(1):
        raise broken("AV1 whose frame has a size of its own")
