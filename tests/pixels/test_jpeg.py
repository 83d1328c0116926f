"""JPEGs: what decoders ignore does no harm, and what is missing is seen, whatever else the file brings along."""

import random
import struct
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from image_service.errors import Refusal
from image_service.pixels.limits import Limits, Refused
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from image_service.pixels.structure.walk import read_structure
from tests.pixels.conftest import WAIT
from tests.pixels.pictures import encoded, segments_of, swapped_profile

WIDTH, HEIGHT = 320, 240
END = b"\xff\xd9"


def noise(mode: str = "RGB", size: tuple[int, int] = (WIDTH, HEIGHT)) -> Image.Image:
    """Every byte of it counts."""
    coarse = Image.frombytes("RGB", (40, 30), random.Random(7).randbytes(40 * 30 * 3))
    return coarse.resize(size, Image.Resampling.BICUBIC).convert(mode)


def jpeg(mode: str = "RGB", orientation: int = 1, size: tuple[int, int] = (WIDTH, HEIGHT), **options: Any) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(noise(mode, size), "JPEG", quality=85, exif=exif, **options)


CONTROL = jpeg()
PROGRESSIVE = jpeg(progressive=True)
SCAN, TABLES = CONTROL.index(b"\xff\xda"), CONTROL.index(b"\xff\xdb")
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "turned": {"orientation": 6},
    "upside down": {"orientation": 3},
    "mirrored": {"orientation": 2},
    "with a profile": {"icc_profile": swapped_profile()},
    "turned, with a profile": {"orientation": 8, "icc_profile": swapped_profile()},
    "progressive": {"progressive": True},
    "progressive, turned": {"progressive": True, "orientation": 6},
    "with restarts, turned": {"restart_marker_rows": 1, "orientation": 6},
    "grey, turned": {"mode": "L", "orientation": 6},
    "CMYK, turned": {"mode": "CMYK", "orientation": 6},
    "large, turned": {"size": (1600, 1200), "orientation": 6},
}


async def refused(pool: PixelPool, folder: Path, data: bytes) -> Refusal:
    (folder / "a").write_bytes(data)
    with pytest.raises(Refused) as caught:
        await pool.probe(folder / "a", wait=WAIT)
    return caught.value.refusal


async def rendered(pool: PixelPool, folder: Path, data: bytes) -> bytes:
    """Every pixel, once it has been taken as it came."""
    path, target = folder / "a", folder / "rendered"
    (folder / "a").write_bytes(data)
    probe = await pool.probe(path, wait=WAIT)
    assert (probe.format, probe.end) == (Format.JPG, len(data))
    await pool.render(path, target, Rendering(Format.JPG, Format.PNG, probe.width, probe.height, 1), wait=WAIT)
    assert (folder / "a").read_bytes() == data
    with Image.open(target) as image:
        return image.tobytes()


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
async def test_a_cut_one_is_refused_whatever_its_tags_profile_and_scans(
    pool: PixelPool, tmp_path: Path, kind: dict[str, Any]
) -> None:
    data = jpeg(**kind)
    for share in (0.5, 0.9, 0.98, 0.995):
        for end in (b"", END, bytes(2_000)):
            part = data[: int(len(data) * share)] + end
            assert await refused(pool, tmp_path, part) is Refusal.CUT_SHORT, (share, end[:2])


@pytest.mark.parametrize("parameters", [b"\0\0\0", b"\1\1\0", b"\0\x3f\x11"])
async def test_parameters_of_a_scan_as_phones_write_them(pool: PixelPool, tmp_path: Path, parameters: bytes) -> None:
    at = SCAN + 2 + struct.unpack_from(">H", CONTROL, SCAN + 2)[0]
    odd = CONTROL[: at - 3] + parameters + CONTROL[at:]
    assert await rendered(pool, tmp_path, odd) == await rendered(pool, tmp_path, CONTROL)


ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
JFIF = b"\xff\xe0\x00\x10JFIF\x00\x07\x00\x00\x00\x01\x00\x01\x00\x00"
IGNORED = {
    "a version that does not exist": CONTROL[:2] + JFIF + CONTROL[2:],
    "a colour transform that does not exist": CONTROL[:2] + ADOBE + b"\x05" + CONTROL[2:],
    "the colour transform of four components": CONTROL[:2] + ADOBE + b"\x02" + CONTROL[2:],
    "junk between segments": CONTROL[:TABLES] + b"\0\0\x12\0" + CONTROL[TABLES:],
    "junk before its scan": CONTROL[:SCAN] + b"\x12\x34\x56" + CONTROL[SCAN:],
    "padding before its scan": CONTROL[:SCAN] + b"\xff" * 9 + CONTROL[SCAN:],
    "a second start": CONTROL[:2] + CONTROL,
    "empty segments": CONTROL[:2] + b"\xff\xe5\0\2" * 20 + CONTROL[2:],
    "a restart that no interval asks for": CONTROL[:SCAN] + b"\xff\xd3" + CONTROL[SCAN:],
}


@pytest.mark.parametrize("data", IGNORED.values(), ids=IGNORED)
async def test_what_decoders_ignore_does_no_harm(pool: PixelPool, tmp_path: Path, data: bytes) -> None:
    assert await rendered(pool, tmp_path, data) == await rendered(pool, tmp_path, CONTROL)


@pytest.mark.parametrize("data", IGNORED.values(), ids=IGNORED)
async def test_and_does_not_excuse_lost_pixels(pool: PixelPool, tmp_path: Path, data: bytes) -> None:
    half = len(data) // 2
    assert await refused(pool, tmp_path, data[:half] + END) is Refusal.CUT_SHORT
    assert await refused(pool, tmp_path, data[:half] + data[half + 3_000 :]) is Refusal.CUT_SHORT


@pytest.mark.parametrize("whole", [CONTROL, PROGRESSIVE], ids=["baseline", "progressive"])
@pytest.mark.parametrize(
    "end",
    [b"", b"\xff", bytes(1), bytes(700), b"\xff" * 700, b"\xff\0" * 4 + END, bytes(9) + END, bytes(5_000) + END]
    + [bytes(range(1, count + 1)) + END for count in (1, 2, 3, 7, 8, 9, 40)],
    ids=lambda end: f"{end[:4].hex()}-{len(end)}",
)
async def test_every_pixel_and_another_end(pool: PixelPool, tmp_path: Path, whole: bytes, end: bytes) -> None:
    data = whole.removesuffix(END) + end
    assert await rendered(pool, tmp_path, data) == await rendered(pool, tmp_path, whole)


@pytest.mark.parametrize("kind", [*KINDS.values(), {"optimize": True}], ids=[*KINDS, "optimized"])
async def test_zeros_do_not_take_the_place_of_pixels(pool: PixelPool, tmp_path: Path, kind: dict[str, Any]) -> None:
    whole = jpeg(**kind)
    for lost in (40, 400, 4_000):
        for more in (0, 4_096, 1 << 17):
            filled = whole[: -lost - 2] + bytes(lost + more) + END
            assert await refused(pool, tmp_path, filled) is Refusal.CUT_SHORT, (lost, more)


async def test_a_white_ground_may_be_coded_in_zeros(pool: PixelPool, tmp_path: Path) -> None:
    image = Image.new("L", (WIDTH, 9 * HEIGHT), "white")
    image.paste(noise("L"), (0, 0))
    whole = encoded(image, "JPEG", optimize=True)
    run = len(whole) - 2 - len(whole[:-2].rstrip(b"\0"))
    assert run > 32  # its last pixels are zeros
    assert await rendered(pool, tmp_path, whole)


async def test_a_lost_scan_is_seen(pool: PixelPool, tmp_path: Path) -> None:
    """Its pixels then look like junk between segments."""
    scans = [at for at, marker in segments_of(PROGRESSIVE) if marker == 0xDA]
    assert len(scans) == 10
    for at in scans:
        data = PROGRESSIVE[:at] + b"\0\0" + PROGRESSIVE[at + 2 :]
        assert await refused(pool, tmp_path, data) in (Refusal.CUT_SHORT, Refusal.DAMAGED)


async def test_one_that_ends_between_two_scans_is_cut(pool: PixelPool, tmp_path: Path) -> None:
    for at, marker in segments_of(PROGRESSIVE):
        if marker in (0xDA, 0xC4):
            assert await refused(pool, tmp_path, PROGRESSIVE[:at] + END) in (Refusal.CUT_SHORT, Refusal.DAMAGED)


def test_colours_that_never_come_are_missed() -> None:
    """Of a sequential one in three scans, as some cameras write it: the decoder would not say a word."""
    frame = CONTROL[CONTROL.index(b"\xff\xc0") : SCAN]
    separate = b"".join(b"\xff\xda\0\x08\x01" + bytes([id, 0]) + b"\0\x3f\0" + b"\x12" * 9 for id in (1, 2, 3))
    whole = read_structure(CONTROL[:2] + frame + separate + END, Limits())
    assert whole.decoded == 3 * read_structure(CONTROL, Limits()).decoded  # all of it is held until the last has come
    lost = separate[: -separate.index(b"\xff\xda", 2)]
    with pytest.raises(Refused, match="cut_short"):
        read_structure(CONTROL[:2] + frame + lost + END, Limits())


async def test_missing_tables_are_damage(pool: PixelPool, tmp_path: Path) -> None:
    at = CONTROL.index(b"\xff\xdb")
    behind = at + 2 + struct.unpack_from(">H", CONTROL, at + 2)[0]
    assert await refused(pool, tmp_path, CONTROL[:at] + CONTROL[behind:]) is Refusal.DAMAGED


@pytest.mark.parametrize("marker", [0xE1, 0xED, 0xFE])
@pytest.mark.parametrize("length", [0, 1])
async def test_metadata_with_a_length_of_less_than_itself(
    pool: PixelPool, tmp_path: Path, marker: int, length: int
) -> None:
    empty = bytes((0xFF, marker, 0, length))
    (tmp_path / "a").write_bytes(CONTROL[:TABLES] + empty + CONTROL[TABLES:])
    assert (await pool.probe(tmp_path / "a", wait=WAIT)).end == len(CONTROL) + len(empty)
    await pool.render(tmp_path / "a", tmp_path / "b", Rendering(Format.JPG, Format.JPG, 320, 240, 1), wait=WAIT)
    tables = CONTROL[:TABLES] + bytes((0xFF, 0xDB, 0, length)) + CONTROL[TABLES:]
    assert await refused(pool, tmp_path, tables) is Refusal.DAMAGED
