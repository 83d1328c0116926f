"""Which of the colours that a PNG describes count, and when a profile is of use: as in Chromium."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from tests.pixels.pictures import chunk, encoded, swapped_profile
from tests.pixels.shown import Shown
from tests.pixels.test_colours import (
    LINEAR,
    P3,
    PROFILE_OF_2020,
    PROFILE_OF_BT709,
    PROFILE_OF_P3,
    SIDE,
    SRGB_CURVE,
    bands,
    drawn,
    gamma,
    near,
    numbers,
    png,
)

PROFILE = swapped_profile()
GREY = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes().replace(b"RGB ", b"GRAY", 1)
GREY = GREY.replace(b"gTRC", b"kTRC", 1)
SRGB, ONE = chunk(b"sRGB", b"\0"), gamma(100_000)


def profile(data: bytes = PROFILE) -> bytes:
    return chunk(b"iCCP", b"x\0\0" + zlib.compress(data))


def damaged(whole: bytes) -> bytes:
    """With a wrong checksum."""
    return whole[:-1] + bytes([whole[-1] ^ 1])


def points(*values: int) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *values))


P3_NUMBERS = numbers(PROFILE_OF_P3, SRGB_CURVE)
CHUNKS = {
    "cICP after iCCP": profile() + P3_NUMBERS,
    "cICP before iCCP": P3_NUMBERS + profile(),
    "cICP after sRGB": SRGB + P3_NUMBERS,
    "cICP before sRGB": P3_NUMBERS + SRGB,
    "iCCP before sRGB": profile() + SRGB,
    "iCCP after sRGB": SRGB + profile(),
    "iCCP of garbage": profile(b"garbage" * 50) + ONE,
    "iCCP of garbage, last": ONE + profile(b"garbage" * 50),
    "iCCP that does not inflate": chunk(b"iCCP", b"x\0\0abcdefg") + ONE,
    "iCCP whose inflated end is missing": chunk(b"iCCP", b"x\0\0" + zlib.compress(PROFILE)[:-9]) + ONE,
    "iCCP of half a profile": profile(PROFILE[: len(PROFILE) // 2]) + ONE,
    "iCCP without red": profile(PROFILE.replace(b"rXYZ", b"zzzz")) + ONE,
    "iCCP with a bad checksum": damaged(profile()) + ONE,
    "iCCP for grey": profile(GREY) + ONE,
    "iCCP of garbage beside sRGB": profile(b"garbage" * 50) + SRGB + ONE,
    "iCCP of garbage, then another": profile(b"garbage" * 50) + profile(),
    "cHRM alone": chunk(b"cHRM", P3),
    "cHRM of nothing": points(*[0] * 8) + ONE,
    "cHRM of a line": points(31270, 32900, 64000, 33000, 64000, 33000, 64000, 33000) + ONE,
    "cHRM beyond 1": points(*[200_000] * 8) + ONE,
    "cHRM twice": chunk(b"cHRM", P3) + points(31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000) + ONE,
    "cHRM with a bad checksum": damaged(chunk(b"cHRM", P3)) + ONE,
    "cHRM with blue at the edge": points(31270, 32900, 64000, 33000, 30000, 60000, 15000, 0) + gamma(45_455),
    "cICP unspecified": numbers(2, 2) + ONE,
    "cICP unknown": numbers(99, 99) + ONE,
    "cICP with an unspecified curve": numbers(PROFILE_OF_P3, 2),
    "cICP with unspecified primaries": numbers(2, LINEAR),
    "cICP with a logarithm": numbers(PROFILE_OF_BT709, 9) + ONE,
    "cICP of limited range": chunk(b"cICP", bytes((PROFILE_OF_P3, SRGB_CURVE, 0, 0))) + ONE,
    "cICP too long": chunk(b"cICP", bytes((PROFILE_OF_P3, SRGB_CURVE, 0, 1, 0))) + ONE,
    "cICP with a bad checksum": damaged(P3_NUMBERS),
    "cICP too short, then another": chunk(b"cICP", b"\x0c") + P3_NUMBERS,
    "sRGB of an unknown intent": chunk(b"sRGB", b"\x09") + ONE,
    "sRGB too long": chunk(b"sRGB", b"\0\0") + ONE,
    "sRGB with a bad checksum": damaged(SRGB) + ONE,
    "gAMA with a bad checksum": damaged(ONE),
    "gAMA twice": gamma(45_455) + ONE,
    "gAMA of nothing, then another": gamma(0) + ONE,
    "gAMA 0.00001": gamma(1),
    "gAMA 0.001": gamma(100),
    "gAMA 10": gamma(1_000_000),
    **{f"cICP curve {curve}": numbers(PROFILE_OF_BT709, curve) for curve in (1, 4, 5, 6, 7, 8, 11, 13, 14, 15, 17)},
    **{f"cICP primaries {each}": numbers(each, SRGB_CURVE) for each in (4, 5, 6, 7, 8, 10, 11, 12, 22)},
    "cICP of BT.2020's video": numbers(PROFILE_OF_2020, 14),
}


@pytest.mark.parametrize("name", CHUNKS)
async def test_png(pool: PixelPool, chromium: Shown, tmp_path: Path, name: str) -> None:
    data = png(CHUNKS[name])
    wanted = bands(await chromium.picture(data, Format.PNG))
    seen = bands(await drawn(pool, tmp_path, data, Format.PNG, (SIDE, SIDE)))
    assert near(seen, wanted), (seen, wanted)


def linear() -> bytes:
    """A profile of RGB whose curve is a line."""
    data, count = PROFILE, struct.unpack_from(">I", PROFILE, 128)[0]
    for at in range(132, 132 + 12 * count, 12):
        if data[at + 1 : at + 4] == b"TRC":
            offset = struct.unpack_from(">I", data, at + 4)[0]
            data = data[:offset] + b"curv" + bytes(8) + data[offset + 12 :]
    return data


@pytest.mark.parametrize("depth", [8, 16])
async def test_a_grey_png_with_a_profile_of_rgb(pool: PixelPool, chromium: Shown, tmp_path: Path, depth: int) -> None:
    data = png(profile(linear()), colour_type=0, depth=depth)
    wanted = bands(await chromium.picture(data, Format.PNG))
    seen = bands(await drawn(pool, tmp_path, data, Format.PNG, (SIDE, SIDE)))
    assert wanted[2] == (133, 133, 133)
    assert near(seen, wanted), (seen, wanted)


async def test_a_grey_jpeg_with_a_profile_of_rgb(pool: PixelPool, chromium: Shown, tmp_path: Path) -> None:
    grey = Image.open(BytesIO(png(b"", colour_type=0)))
    data = encoded(grey, "JPEG", quality=95, icc_profile=linear())
    wanted = bands(await chromium.picture(data, Format.JPG))
    seen = bands(await drawn(pool, tmp_path, data, Format.JPG, (SIDE, SIDE)))
    assert near(seen, wanted), (seen, wanted)
