import random
import time

import pytest
from PIL import Image

from image_service.errors import Refusal
from image_service.pixels.limits import Limits, Refused
from image_service.pixels.picture import Format
from image_service.pixels.structure.walk import read_structure
from tests.pixels.pictures import chunk, encoded, gif, png, quadrants

JPEG = encoded(quadrants(), "JPEG")
PROGRESSIVE = encoded(quadrants(), "JPEG", progressive=True)
PNG = encoded(quadrants(), "PNG")
GIF = encoded(quadrants(), "GIF")
WALKED = {"jpeg": JPEG, "progressive": PROGRESSIVE, "png": PNG, "gif": GIF}
EXTENSION = b"\x21\xfe\x01a\x00"


def refusal(data: bytes, limits: Limits | None = None) -> Refusal:
    with pytest.raises(Refused) as caught:
        read_structure(data, limits or Limits())
    return caught.value.refusal


@pytest.mark.parametrize("data", WALKED.values(), ids=WALKED)
def test_size_and_end_are_found_whatever_trails(data: bytes) -> None:
    for tail in (b"", b"PK\x03\x04 a zip", data):
        structure = read_structure(data + tail, Limits())
        assert (structure.width, structure.height, structure.frames) == (120, 80, 1)
        assert structure.end == len(data)


@pytest.mark.parametrize("data", WALKED.values(), ids=WALKED)
def test_a_file_cut_anywhere_is_refused_or_ends_where_it_was_cut(data: bytes) -> None:
    for length in range(len(data) - 1):
        assert refusal(data[:length]) is Refusal.NOT_AN_IMAGE


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
    "data",
    [
        b"",
        b"\x89",
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        encoded(quadrants(), "BMP"),
        encoded(quadrants(), "WEBP"),
        encoded(quadrants(), "TIFF"),
        b"GIF89a<?php system($_GET[0]);?>",
    ],
)
def test_anything_else_is_not_an_image(data: bytes) -> None:
    assert refusal(data) is Refusal.NOT_AN_IMAGE


@pytest.mark.parametrize(
    "data",
    [
        png(50_000, 50_000),
        png(16_385, 1),
        png(7_072, 7_072),
        gif(65_535, 65_535, 1),
        gif(100, 100, 501),
        gif(1_000, 1_000, 51),
        JPEG.replace(b"\x00\x50\x00\x78", b"\xff\xdc\xff\xdc", 1),  # the frame header's 80 x 120
    ],
    ids=["png", "side", "area", "gif canvas", "gif frames", "gif area", "jpeg"],
)
def test_too_many_pixels_are_refused_as_such(data: bytes) -> None:
    assert refusal(data) is Refusal.TOO_MANY_PIXELS


def test_the_limits_themselves_are_allowed() -> None:
    assert read_structure(png(16_384, 3_000), Limits()).width == 16_384
    assert read_structure(gif(100, 100, 500), Limits()).frames == 500


def test_tangled_files_are_refused() -> None:
    assert refusal(png(8, 8, *[chunk(b"tEXt", b"a\0b")] * 5_001)) is Refusal.NOT_AN_IMAGE
    assert refusal(png(8, 8, *[chunk(b"zTXt", b"a\0\0b")] * 51)) is Refusal.NOT_AN_IMAGE
    assert refusal(GIF[:13] + EXTENSION * 7_000 + GIF[13:]) is Refusal.NOT_AN_IMAGE
    assert refusal(JPEG[:2] + b"\xff\xfe\x00\x02" * 5_001 + JPEG[2:]) is Refusal.NOT_AN_IMAGE
    last_scan = PROGRESSIVE[PROGRESSIVE.rindex(b"\xff\xda") : -2]
    assert refusal(PROGRESSIVE[:-2] + last_scan * 32 + b"\xff\xd9") is Refusal.NOT_AN_IMAGE


def test_of_an_animated_png_the_first_picture_counts() -> None:
    images = [Image.new("RGB", (64, 48), (shade, 0, 0)) for shade in range(20)]
    data = encoded(images[0], "PNG", save_all=True, append_images=images[1:])
    assert read_structure(data, Limits()).frames == 1


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
    refusal(data)
    assert time.process_time() - began < 5  # seconds; about 1 for the slowest, and linear


def test_formats() -> None:
    assert [read_structure(data, Limits()).format for data in WALKED.values()] == [
        Format.JPG, Format.JPG, Format.PNG, Format.GIF,
    ]  # fmt: skip
