"""The head of a picture coded in AV1, bit by bit as a film has it."""

import pytest

from image_service.pixels.limits import Refused
from image_service.pixels.structure.av1 import sequence_of
from image_service.pixels.structure.boxes import Tally
from tests.hostile.avif_boxes import Bits, sequence, unit

SEQUENCE, FRAME = 1, 6
WHOLE, OWN_SIZE = 0, 1


def film(width: int, height: int, *, timing: bool = False, points: int = 1, ids: bool = False) -> bytes:
    """A sequence header with what a still picture's leaves out."""
    bits = Bits().put(0, 3 + 2)
    if timing:  # with a model of the decoder, whose times have 20 bits
        bits.put(1, 1).put(1, 32).put(30, 32).put(0, 1).put(1, 1).put(9, 5).put(1, 32).put(9, 5).put(19, 5)
    else:
        bits.put(0, 1)
    bits.put(1, 1).put(points - 1, 5)  # display delays
    for _ in range(points):
        bits.put(0, 12).put(9, 5).put(0, 1)  # a level that has a tier
        if timing:
            bits.put(1, 1).put(0, 10 + 10 + 1)
        bits.put(1, 1).put(3, 4)
    bits.put(11, 4).put(11, 4).put(width - 1, 12).put(height - 1, 12)
    bits.put(int(ids), 1)
    if ids:
        bits.put(5, 4).put(2, 3)  # ids of 10 bits
    bits.put(0, 3 + 4).put(1, 1).put(0, 2)  # order hints
    bits.put(1, 1).put(1, 1).put(6, 3)  # each frame says whether it is of a screen, and moves by whole pixels
    bits.put(0, 3 + 1)
    return unit(SEQUENCE, bits.put(0, 1 + 1 + 1 + 2 + 1 + 1).bytes())  # colours, without numbers


def frame(override: int, *, time_bits: int = 0, id_bits: int = 0, kind: int = 0, shown: int = 1) -> bytes:
    bits = Bits().put(0, 1).put(kind, 2).put(shown, 1)
    if time_bits:
        bits.put(7, time_bits)
    bits.put(0, 1).put(1, 1).put(0, 1)
    if id_bits:
        bits.put(5, id_bits)
    return unit(FRAME, bits.put(override, 1).bytes())


KINDS = pytest.mark.parametrize(
    ("head", "bits"),
    [
        (film(640, 480), {}),
        (film(640, 480, points=32), {}),
        (film(640, 480, timing=True), {"time_bits": 20}),
        (film(640, 480, ids=True), {"id_bits": 10}),
        (film(640, 480, timing=True, points=32, ids=True), {"time_bits": 20, "id_bits": 10}),
    ],
)


@KINDS
def test_the_size_is_found(head: bytes, bits: dict[str, int]) -> None:
    found = sequence_of(b"", head + frame(WHOLE, **bits), Tally(9))
    assert (found.width, found.height, found.profile, found.is_deep) == (640, 480, 0, False)
    assert sequence_of(head, frame(WHOLE, **bits), Tally(9)) == found


@KINDS
def test_no_frame_has_a_size_of_its_own(head: bytes, bits: dict[str, int]) -> None:
    with pytest.raises(Refused, match="size of its own"):
        sequence_of(b"", head + frame(OWN_SIZE, **bits), Tally(9))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        film(640, 480),
        frame(WHOLE),
        frame(WHOLE) + film(640, 480),
        film(640, 480) + frame(WHOLE) * 2,
        film(640, 480) + frame(WHOLE, shown=0),
        film(640, 480) + frame(WHOLE, kind=1),
        film(640, 480) + film(641, 480) + frame(WHOLE),
        film(640, 480) + sequence(640, 480) + frame(WHOLE),
        film(640, 480) + unit(8, b"") + frame(WHOLE),
        film(640, 480) + frame(WHOLE)[:-1],
        film(640, 480) + unit(FRAME, b""),
        film(640, 480) + frame(WHOLE) + b"\x32\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    ],
)
def test_whatever_is_not_one_picture_of_one_size_is_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        sequence_of(b"", data, Tally(9))


def test_a_unit_without_a_length_is_the_last() -> None:
    whole = film(640, 480) + bytes([FRAME << 3]) + frame(WHOLE)[2:]
    assert sequence_of(b"", whole, Tally(9)).width == 640
