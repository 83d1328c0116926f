"""The walk over an HEIC: its boxes, and the head of its coded picture. It needs no decoder."""

import struct
from dataclasses import replace

import pytest

from image_service.errors import Kind, Refusal
from image_service.pixels.limits import Limits, Refused
from image_service.pixels.picture import ALWAYS_TAKEN, Format
from image_service.pixels.structure.walk import read_structure
from tests.hostile.avif_boxes import avif, box, coded, full, grid, picture, sequence
from tests.pixels.heics import BRANDS, file, heic, hevc, part
from tests.pixels.pictures import encoded, quadrants

ALL = Limits(formats=tuple(Format))
QUADRANTS, TILE, RED = part("quadrants"), part("tile"), part("red")
AVIF = encoded(quadrants(), "AVIF")
ALPHA_OF = full(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")


def refused(data: bytes, limits: Limits = ALL) -> tuple[Refusal, Kind | None]:
    with pytest.raises(Refused) as caught:
        read_structure(data, limits)
    return caught.value.refusal, caught.value.kind


def unit(kind: int, body: bytes = b"\x80 pixels") -> bytes:
    """With its length before it, of four bytes."""
    data = bytes([kind << 1, 1]) + body
    return struct.pack(">I", len(data)) + data


def config_with(config: bytes, *units: bytes) -> bytes:
    """`hvcC` with further lists of units."""
    lists = b"".join(bytes([each[0] >> 1]) + struct.pack(">HH", 1, len(each)) + each for each in units)
    return config[:22] + bytes([config[22] + len(units)]) + config[23:] + lists


def sequence_in(config: bytes) -> bytes:
    """The unit that says how large the picture is."""
    at = 23
    while True:
        kind, count, length = config[at] & 0x3F, *struct.unpack_from(">HH", config, at + 1)
        assert count == 1
        if kind == 33:
            return config[at + 5 : at + 5 + length]
        at += 5 + length


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("quadrants", (120, 80)),
        ("grey", (120, 80)),
        ("all-colours", (120, 80)),
        ("deep", (120, 80)),
        ("half-clear", (120, 80)),
        ("tile", (512, 512)),
    ],
)
def test_size_and_end_are_found_whatever_trails(name: str, size: tuple[int, int]) -> None:
    data = file(name)
    for tail in (b"", b"PK\x03\x04 a zip", bytes(500), data):
        structure = read_structure(data + tail, ALL)
        assert (structure.format, structure.width, structure.height) == (Format.HEIC, *size)
        assert structure.end == len(data)


def test_it_is_named_where_it_is_not_taken() -> None:
    assert refused(file("quadrants"), Limits()) == (Refusal.OTHER_FORMAT, Kind.HEIC)
    assert refused(file("quadrants"), Limits(formats=(*ALWAYS_TAKEN, Format.AVIF))) == (
        Refusal.OTHER_FORMAT,
        Kind.HEIC,
    )
    assert refused(AVIF, Limits(formats=(*ALWAYS_TAKEN, Format.HEIC))) == (Refusal.OTHER_FORMAT, Kind.AVIF)


def test_films_are_named() -> None:
    film = box(b"ftyp", b"hevc", bytes(4), b"hevcmsf1") + box(b"moov", bytes(9))
    assert refused(film) == (Refusal.OTHER_FORMAT, Kind.HEIC)
    avis = box(b"ftyp", b"avis", bytes(4), b"avisavif") + box(b"moov", bytes(9))
    assert refused(avis) == (Refusal.ANIMATED_AVIF, None)
    assert refused(box(b"ftyp", b"isom", bytes(4), b"isom") + box(b"mdat", bytes(99))) == (
        Refusal.OTHER_FORMAT,
        Kind.VIDEO,
    )


def test_cut_anywhere() -> None:
    data = file("quadrants")
    for length in range(20, len(data) - 1):
        assert refused(data[:length])[0] in (Refusal.CUT_SHORT, Refusal.DAMAGED)
    for length in range(data.index(b"mdat") + 4, len(data) - 1):
        assert refused(data[:length]) == (Refusal.CUT_SHORT, None)


def test_a_phones_picture_of_fifty_megapixels_is_held() -> None:
    tiles = [hevc(512, 512, TILE, hidden=True)] * 192
    whole = read_structure(heic([grid(12, 16, 8_160, 6_120, range(2, 194)), *tiles]), ALL)
    assert (whole.width, whole.height) == (8_160, 6_120)
    assert whole.decoded < ALL.whole


def test_what_costs_too_much_is_refused() -> None:
    too_large = (Refusal.TOO_MANY_PIXELS, None)
    small = [hevc(64, 64, RED, hidden=True)] * 258
    assert refused(heic([grid(2, 129, 64 * 129, 128, range(2, 260)), *small])) == too_large  # tiles
    assert refused(heic([grid(17, 16, 8_192, 8_704, range(2, 274)), *[hevc(512, 512, TILE)] * 272])) == too_large
    assert refused(file("quadrants"), replace(ALL, whole=9_600 * 5)) == too_large
    assert refused(file("quadrants"), replace(ALL, side=119)) == (Refusal.TOO_WIDE_OR_HIGH, None)
    large = hevc(512, 512, TILE, ALPHA_OF, refers=((b"auxl", (1,)),))
    assert refused(heic([hevc(64, 64, RED), large]))[0] is Refusal.DAMAGED  # alpha that is larger than its picture


@pytest.mark.parametrize(
    "data",
    [
        heic([hevc(240, 160, QUADRANTS)]),
        heic([hevc(60, 40, QUADRANTS)]),
        heic([hevc(0, 80, QUADRANTS)]),
        heic([hevc(120, 80, (config_with(QUADRANTS[0], sequence_in(TILE[0])), QUADRANTS[1]))]),
        heic([hevc(120, 80, (config_with(QUADRANTS[0], bytes([1 << 1, 1, 0x80])), QUADRANTS[1]))]),
        heic([hevc(120, 80, (QUADRANTS[0][:22] + b"\0", QUADRANTS[1]))]),
        heic([hevc(120, 80, (QUADRANTS[0][:40], QUADRANTS[1]))]),
        heic([hevc(120, 80, (b"", QUADRANTS[1]))]),
        heic([hevc(120, 80, (QUADRANTS[0], QUADRANTS[1] + unit(1)))]),
        heic([hevc(120, 80, (QUADRANTS[0], QUADRANTS[1] + unit(33, sequence_in(TILE[0])[2:])))]),
        heic([hevc(120, 80, (QUADRANTS[0], QUADRANTS[1] + unit(48)))]),
        heic([hevc(120, 80, (QUADRANTS[0], QUADRANTS[1][:-9]))]),
        heic([hevc(120, 80, (QUADRANTS[0], b"\xff" * 300))]),
        heic([hevc(120, 80, (QUADRANTS[0], unit(39)))]),
        heic([hevc(120, 80, (QUADRANTS[0], unit(39) * 6_000 + QUADRANTS[1]))]),
        heic([picture(120, 80, coded(AVIF))]),
        avif([hevc(120, 80, QUADRANTS)]),
        heic([grid(1, 2, 184, 80, (2, 3)), hevc(120, 80, QUADRANTS), picture(120, 80, coded(AVIF))]),
        heic([hevc(120, 80, QUADRANTS)], brands=(b"avif", *BRANDS)),
        heic([grid(1, 1, 64, 64, (2,)), grid(1, 1, 64, 64, (1,))]),
        heic([hevc(120, 80, (sequence(120, 80), QUADRANTS[1]))]),
    ],
    ids=[
        "says larger", "says smaller", "no width", "two sequences", "pixels as configuration", "no sequence",
        "cut configuration", "empty configuration", "two pictures", "a sequence among pixels", "unknown units",
        "cut pixels", "noise", "no picture", "a flood of remarks", "AV1 inside", "HEVC in an AVIF", "two codings",
        "AVIF too", "grids in a circle", "AV1's configuration",
    ],
)  # fmt: skip
def test_lies_are_refused(data: bytes) -> None:
    assert refused(data) == (Refusal.DAMAGED, None)
