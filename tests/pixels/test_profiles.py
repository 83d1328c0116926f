"""An ICC profile that cannot be used is as good as none."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from image_service.pixels.limits import Limits
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from tests.pixels.conftest import WAIT
from tests.pixels.pictures import alike, corners, encoded, quadrants, swapped_profile
from tests.pixels.shown import Shown
from tests.processes import DEADLINE

GOOD = swapped_profile()  # whatever of it is applied is seen
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
CLASS, SPACE, SIGNATURE = 12, 16, 36  # offsets


def tag(name: bytes) -> tuple[int, int, int]:
    """Where its entry in the list is, where it lies, and its length."""
    for at in range(132, 132 + 12 * struct.unpack_from(">I", GOOD, 128)[0], 12):
        if GOOD[at : at + 4] == name:
            offset, length = struct.unpack_from(">II", GOOD, at + 4)
            return at, offset, length
    raise KeyError(name)


def changed(at: int, put: bytes) -> bytes:
    return GOOD[:at] + put + GOOD[at + len(put) :]


def without_meaning(name: bytes) -> bytes:
    return changed(tag(name)[1], b"XXXX")  # the tag's type


USELESS = {
    "nothing": b"",
    "garbage": b"not a profile" * 50,
    "a header alone": GOOD[:132],
    "cut": GOOD[: len(GOOD) // 2],
    "no signature": changed(SIGNATURE, b"pcsa"),
    "a device link": changed(CLASS, b"link"),
    "named colours": changed(CLASS, b"nmcl"),
    "of CMYK": changed(SPACE, b"CMYK"),
    "of grey": changed(SPACE, b"GRAY"),
    "of Lab": LAB,
    "no red": changed(tag(b"rXYZ")[0], b"zzzz"),
    "red of another type": without_meaning(b"rXYZ"),
    "a curve of another type": without_meaning(b"gTRC"),
    "black red": changed(tag(b"rXYZ")[1] + 8, bytes(12)),
    "damaged tags": changed(132, b"\xff" * 100),
}
ENCODE: dict[str, Callable[[Image.Image, bytes], bytes]] = {
    "jpg": lambda image, profile: encoded(image, "JPEG", quality=95, icc_profile=profile),
    "png": lambda image, profile: encoded(image, "PNG", icc_profile=profile),
    "webp": lambda image, profile: encoded(image, "WEBP", lossless=True, icc_profile=profile),
    "avif": lambda image, profile: encoded(image, "AVIF", quality=90, icc_profile=profile),
}


async def rendered(pool: PixelPool, folder: Path, data: bytes, format: Format) -> bytes:
    path, target = folder / "a", folder / "rendered"
    (folder / "a").write_bytes(data)
    probe = await pool.probe(path, wait=WAIT, formats=tuple(Format))
    assert (probe.format, probe.width, probe.height) == (format, 120, 80)
    await pool.render(path, target, Rendering(format, Format.PNG, 60, 40, 1), wait=WAIT)
    with Image.open(target) as image:
        return image.convert("RGB").tobytes() + probe.thumbhash.encode()


@pytest.mark.parametrize("format", ENCODE)
@pytest.mark.parametrize("profile", USELESS.values(), ids=USELESS)
async def test_it_is_ignored(pool: PixelPool, tmp_path: Path, format: str, profile: bytes) -> None:
    data, plain = ENCODE[format](quadrants(), profile), ENCODE[format](quadrants(), b"")
    assert await rendered(pool, tmp_path, data, Format(format)) == await rendered(pool, tmp_path, plain, Format(format))


@pytest.mark.parametrize("format", ENCODE)
async def test_a_good_one_is_not(pool: PixelPool, tmp_path: Path, format: str) -> None:
    data, plain = ENCODE[format](quadrants(), GOOD), ENCODE[format](quadrants(), b"")
    assert await rendered(pool, tmp_path, data, Format(format)) != await rendered(pool, tmp_path, plain, Format(format))


def printer(black: int) -> bytes:
    """Return a table from RGB to Lab (lut8Type of ICC.1, 10.10) whose black has this lightness, of 255."""
    lab = [(black, 128, 128), (76, 196, 16), (221, 48, 208), (232, 80, 114)]
    lab += [(135, 208, 198), (153, 222, 68), (247, 106, 222), (255, 128, 128)]
    table = b"mft1" + bytes(4) + bytes((3, 3, 2, 0)) + struct.pack(">9i", *(65536, 0, 0, 0) * 2, 65536)
    return table + bytes(range(256)) * 3 + bytes(value for each in lab for value in each) + bytes(range(256)) * 3


def profile_of(tables: dict[bytes, bytes]) -> bytes:
    count = len(tables)
    entries, bodies, at = b"", b"", 132 + 12 * count
    for name, table in tables.items():
        body = table + bytes(-len(table) % 4)
        entries += name + struct.pack(">II", at + len(bodies), len(body))
        bodies += body
    size = struct.pack(">I", at + len(bodies))
    head = size + bytes(4) + b"\2\x40\0\0" + b"prtrRGB Lab " + bytes(12) + b"acsp" + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", count) + entries + bodies


@pytest.mark.parametrize("tables", [{b"A2B0": printer(0), b"A2B1": printer(64)}, {b"A2B1": printer(64)}], ids=len)
async def test_a_printer_s_black(pool: PixelPool, chromium: Shown, tmp_path: Path, tables: dict[bytes, bytes]) -> None:
    """Its ink is dark grey (the relative table); browsers take the perceptual table, if there is one."""
    profile = profile_of(tables)
    image = quadrants()
    image.paste(0, (0, 0, 60, 80))
    data = encoded(image, "PNG", icc_profile=profile)
    wanted = await chromium.frame(data, Format.PNG)
    await rendered(pool, tmp_path, data, Format.PNG)
    for width in (120, 60):
        await pool.render(
            tmp_path / "a", tmp_path / "b", Rendering(Format.PNG, Format.PNG, width, width * 2 // 3, 1), wait=WAIT
        )
        with Image.open(tmp_path / "b") as seen:
            assert all(map(alike, corners(seen), corners(wanted)))


@pytest.mark.parametrize("mode", ["L", "CMYK", "P"])
async def test_of_other_colours_than_the_pictures(pool: PixelPool, tmp_path: Path, mode: str) -> None:
    image, format = quadrants().convert(mode), "PNG" if mode == "P" else "JPEG"
    data, plain = encoded(image, format, icc_profile=LAB if mode == "P" else GOOD), encoded(image, format)
    name = Format.PNG if mode == "P" else Format.JPG
    assert await rendered(pool, tmp_path, data, name) == await rendered(pool, tmp_path, plain, name)


async def test_of_an_animation(tmp_path: Path) -> None:
    frames = [quadrants(), quadrants().transpose(Image.Transpose.ROTATE_180)]
    whole = {"save_all": True, "append_images": frames[1:], "lossless": True}
    limits = Limits(formats=tuple(Format))
    async with PixelPool(1, limits, probe_seconds=DEADLINE, draw_seconds=DEADLINE) as pool:
        pictures = []
        for profile in (b"", USELESS["red of another type"]):
            (tmp_path / "a").write_bytes(encoded(frames[0], "WEBP", icc_profile=profile, **whole))
            assert (await pool.probe(tmp_path / "a", wait=WAIT)).frames == 2
            for size in ((60, 40), (120, 80)):
                await pool.render(
                    tmp_path / "a", tmp_path / "b", Rendering(Format.WEBP, Format.WEBP, *size, 2), wait=WAIT
                )
                pictures.append((tmp_path / "b").read_bytes())
    assert pictures[:2] == pictures[2:]
