import random
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from PIL import Image

from image_service.errors import Kind, Refusal
from image_service.pixels.limits import Limits, Refused
from image_service.pixels.picture import Format
from image_service.pixels.structure.outline import Structure
from image_service.pixels.structure.walk import read_structure
from tests.pixels.pictures import chunk, encoded, gif, png, quadrants

JPEG = encoded(quadrants(), "JPEG")
PROGRESSIVE = encoded(quadrants(), "JPEG", progressive=True)
PNG = encoded(quadrants(), "PNG")
GIF = encoded(quadrants(), "GIF")
WALKED = {"jpeg": JPEG, "progressive": PROGRESSIVE, "png": PNG, "gif": GIF}
SIGNATURE = 8  # bytes that tell any format
EXTENSION = b"\x21\xfe\x01a\x00"


def refusal(data: bytes, limits: Limits | None = None) -> Refusal:
    with pytest.raises(Refused) as caught:
        read_structure(data, limits or Limits())
    return caught.value.refusal


def outcome(data: bytes) -> Structure | Refusal:
    try:
        return read_structure(data, Limits())
    except Refused as refused:
        return refused.refusal


@pytest.mark.parametrize("data", WALKED.values(), ids=WALKED)
def test_size_and_end_are_found_whatever_trails(data: bytes) -> None:
    for tail in (b"", b"PK\x03\x04 a zip", data):
        structure = read_structure(data + tail, Limits())
        assert (structure.width, structure.height, structure.frames) == (120, 80, 1)
        assert structure.end == len(data)


@pytest.mark.parametrize("data", WALKED.values(), ids=WALKED)
def test_a_file_cut_anywhere_is_refused_or_waits_for_the_decoder(data: bytes) -> None:
    for length in range(SIGNATURE, len(data) - 1):
        found = outcome(data[:length])
        assert found is Refusal.CUT_SHORT or (isinstance(found, Structure) and found.is_open and found.end == length)


def test_any_damage_ends_in_an_answer() -> None:
    """10,000 files with a few bytes changed: an outline or `Refused`, never another exception."""
    chance = random.Random(4)
    for _ in range(2_500):
        for data in WALKED.values():
            damaged = bytearray(data)
            for _ in range(chance.randint(1, 6)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            try:
                structure = read_structure(bytes(damaged), Limits())
            except Refused:
                continue
            assert structure.end <= len(damaged)


@pytest.mark.parametrize(
    ("data", "refused"),
    [
        (b"", Refusal.NOT_AN_IMAGE),
        (b"\x89", Refusal.NOT_AN_IMAGE),
        (b"hello", Refusal.NOT_AN_IMAGE),
        (b"BM are two letters that texts begin with, too", Refusal.NOT_AN_IMAGE),
        (b"GIF89a<?php system($_GET[0]);?>", Refusal.DAMAGED),
    ],
)
def test_anything_else_is_not_an_image(data: bytes, refused: Refusal) -> None:
    assert refusal(data) is refused


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Kind.SVG),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a -->\n<svg/>", Kind.SVG),
        (b"<!DOCTYPE html><p><svg></svg>", Kind.WEB_PAGE),
        (encoded(quadrants(), "BMP"), Kind.BMP),
        (encoded(quadrants(), "WEBP"), Kind.WEBP),
        (encoded(quadrants(), "AVIF"), Kind.AVIF),
        (encoded(quadrants(), "TIFF"), Kind.TIFF),
        (encoded(quadrants(), "ICO"), Kind.ICON),
        (encoded(quadrants(), "PDF"), Kind.PDF),
        (encoded(quadrants(), "JPEG2000"), Kind.JPEG_2000),
        (encoded(quadrants(), "EPS"), Kind.POSTSCRIPT),
        (b"\xff\x0a\xfa\x1f\x01", Kind.JPEG_XL),
        (b"PK\3\4 an archive, or a document of an office", Kind.ZIP),
        (b"8BPS\0\1", Kind.PHOTOSHOP),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Kind.HEIC),
        (b"\0\0\0\x18ftypisom\0\0\2\0isomiso2", Kind.VIDEO),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", Kind.VIDEO),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86", Kind.VIDEO),
        (b"RIFF\x24\0\0\0AVI LIST", Kind.VIDEO),
        (JPEG.replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x0c", 1), Kind.UNUSUAL_JPEG),  # 12 bits
        (JPEG.replace(b"\xff\xc0", b"\xff\xc3", 1), Kind.UNUSUAL_JPEG),  # lossless
    ],
)
def test_other_formats_are_named(data: bytes, kind: Kind) -> None:
    with pytest.raises(Refused) as caught:
        read_structure(data, Limits())
    assert (caught.value.refusal, caught.value.kind) == (Refusal.OTHER_FORMAT, kind)


@pytest.mark.parametrize(
    "data",
    [
        png(7_212, 7_211),
        gif(8_000, 6_501, 1),
        gif(8_000, 6_500, 2),
        gif(100, 100, 501),
        gif(1_000, 1_000, 101),
    ],
    ids=["png", "gif canvas", "gif of two", "gif frames", "gif area"],
)
def test_too_many_pixels_are_refused_as_such(data: bytes) -> None:
    assert refusal(data) is Refusal.TOO_MANY_PIXELS


@pytest.mark.parametrize(
    "make",
    [
        lambda: png(50_000, 50_000),
        lambda: png(16_385, 1),
        lambda: png(1, 16_385),
        lambda: gif(65_535, 65_535, 1),
        lambda: JPEG.replace(b"\x00\x50\x00\x78", b"\xff\xdc\xff\xdc", 1),  # the frame header's 80 x 120
    ],
    ids=["area", "width", "height", "gif canvas", "jpeg"],
)
def test_a_side_that_is_too_long_is_refused_as_such(make: Callable[[], bytes]) -> None:
    assert refusal(make()) is Refusal.TOO_WIDE_OR_HIGH


def test_the_limits_themselves_are_allowed() -> None:
    assert read_structure(png(16_384, 3_000), Limits()).width == 16_384
    assert read_structure(png(8_192, 6_144), Limits()).width == 8_192  # a phone's 50 megapixels
    assert read_structure(gif(100, 100, 500), Limits()).frames == 500
    assert read_structure(gif(1_000, 1_000, 100), Limits()).frames == 100


def test_tangled_files_are_refused() -> None:
    assert refusal(png(8, 8, *[chunk(b"tEXt", b"a\0b")] * 5_001)) is Refusal.DAMAGED
    assert refusal(png(8, 8, *[chunk(b"zTXt", b"a\0\0b")] * 51)) is Refusal.DAMAGED
    assert refusal(GIF[:13] + EXTENSION * 7_000 + GIF[13:]) is Refusal.DAMAGED
    assert refusal(JPEG[:2] + b"\xff\xfe\x00\x02" * 5_001 + JPEG[2:]) is Refusal.DAMAGED
    last_scan = PROGRESSIVE[PROGRESSIVE.rindex(b"\xff\xda") : -2]
    assert refusal(PROGRESSIVE[:-2] + last_scan * 32 + b"\xff\xd9") is Refusal.DAMAGED


def test_frames_of_an_animated_png() -> None:
    images = [Image.new("RGB", (64, 48), (shade, 0, 0)) for shade in range(20)]
    data = encoded(images[0], "PNG", save_all=True, append_images=images[1:])
    assert read_structure(data, Limits()).frames == 20


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8" + b"\xff" * 10_000_000,
        JPEG[:-2] + b"\xff\x00" * 5_000_000,
        JPEG[:-2] + b"\xff\xd0" * 5_000_000,
        JPEG[:2] + b"a" * 10_000_000,
        GIF[:13] + b"\x21\xfe" + b"\x01a" * 5_000_000,
        PNG[:33] + chunk(b"IDAT", b"") * 800_000,
    ],
    ids=["padding", "stuffing", "restarts", "junk", "sub-blocks", "chunks"],
)
def test_the_walk_takes_seconds_at_the_very_worst(data: bytes) -> None:
    began = time.process_time()
    with suppress(Refused):
        assert read_structure(data, Limits()).is_open
    assert time.process_time() - began < 5  # seconds; about 1 for the slowest, and linear


def test_formats() -> None:
    assert [read_structure(data, Limits()).format for data in WALKED.values()] == [
        Format.JPG, Format.JPG, Format.PNG, Format.GIF,
    ]  # fmt: skip
