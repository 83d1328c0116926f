"""An animation keeps its time as far as the format of the variant can hold it, and every variant can be had."""

import struct
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from image_service.pixels.limits import Limits
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from tests.pixels.conftest import WAIT
from tests.pixels.pictures import chunk, encoded
from tests.pixels.shown import Shown
from tests.pixels.test_apng import BLUE, CASES, GREEN, RED, SIDE, apng
from tests.processes import DEADLINE

LONGEST = {Format.GIF: 655_350, Format.WEBP: 16_777_215, Format.PNG: 65_535_000}  # milliseconds
MOST_PLAYS = {Format.GIF: 65_536, Format.WEBP: 65_535, Format.PNG: 2**31 - 1}


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[PixelPool]:
    """It also takes WebP."""
    async with PixelPool(1, Limits(formats=tuple(Format)), probe_seconds=DEADLINE, draw_seconds=DEADLINE) as pool:
        yield pool


def delayed(data: bytes, delay: int, divisor: int) -> bytes:
    """An APNG whose first frame is shown so long."""
    at = data.index(b"fcTL")
    body = bytearray(data[at + 4 : at + 30])
    body[20:24] = struct.pack(">HH", delay, divisor)
    return data[: at - 4] + chunk(b"fcTL", bytes(body)) + data[at + 34 :]


def controlled(frames: int, plays: int) -> bytes:
    """An APNG of three frames whose acTL says so."""
    data = apng(CASES["three colours"])
    at = data.index(b"acTL")
    return data[: at - 4] + chunk(b"acTL", struct.pack(">II", frames, plays)) + data[at + 16 :]


def webp(delay: int, plays: int) -> bytes:
    first, second = (Image.new("RGB", (SIDE, SIDE), colour[:3]) for colour in (RED, BLUE))
    return encoded(first, "WEBP", save_all=True, append_images=[second], duration=[delay, 100], loop=plays)


async def timing(pool: PixelPool, folder: Path, data: bytes, format: Format) -> tuple[int, list[int]]:
    """How often the variant plays, and its delays."""
    (folder / "a").write_bytes(data)
    found = await pool.probe(folder / "a", wait=WAIT)
    rendering = Rendering(found.format, format, SIDE, SIDE, found.frames)
    await pool.render(folder / "a", folder / "b", rendering, wait=WAIT)
    image = Image.open(BytesIO((folder / "b").read_bytes()))
    delays = []
    for frame in range(image.n_frames):  # type: ignore[attr-defined]
        image.seek(frame)
        image.load()
        delays.append(round(image.info["duration"]))
    # Pillow gives a GIF's plays after the first.
    return image.info["loop"] + (format is Format.GIF), delays


@pytest.mark.parametrize("format", [Format.PNG, Format.WEBP])
@pytest.mark.parametrize("seconds", [66, 16_777, 16_778, 65_535])
async def test_long_delays_of_an_apng(pool: PixelPool, tmp_path: Path, format: Format, seconds: int) -> None:
    _, delays = await timing(pool, tmp_path, delayed(apng(CASES["three colours"]), seconds, 1), format)
    assert delays == [min(1000 * seconds, LONGEST[format]), 200, 300]


async def test_a_long_delay_is_as_exact_as_its_16_bits(pool: PixelPool, tmp_path: Path) -> None:
    for delay, divisor, wanted in ((65_535, 1000, 65_535), (6_554, 100, 65_540), (65_535, 100, 655_350), (3, 0, 30)):
        _, delays = await timing(pool, tmp_path, delayed(apng(CASES["three colours"]), delay, divisor), Format.PNG)
        assert delays[0] == wanted


async def test_many_long_delays(pool: PixelPool, tmp_path: Path) -> None:
    """Their sum has more than 31 bits of milliseconds."""
    data = apng([(0, 0, SIDE, SIDE, 0, 0, (RED, GREEN)[each % 2]) for each in range(200)])
    long = struct.pack(">HH", 65_535, 1)
    parts = data.split(b"fcTL")
    frames = [chunk(b"fcTL", part[:20] + long + part[24:26]) + part[30:-4] for part in parts[1:-1]]
    last = parts[-1]
    frames.append(chunk(b"fcTL", last[:20] + long + last[24:26]) + last[30:])
    _, delays = await timing(pool, tmp_path, parts[0][:-4] + b"".join(frames), Format.WEBP)
    assert delays == [(2**31 - 1) // 200] * 200


@pytest.mark.parametrize("format", [Format.WEBP, Format.GIF])
async def test_a_long_delay_of_a_webp(pool: PixelPool, tmp_path: Path, format: Format) -> None:
    plays, delays = await timing(pool, tmp_path, webp(700_000, 65_535), format)
    assert (plays, delays) == (65_535, [min(700_000, LONGEST[format]), 100])


@pytest.mark.parametrize("format", [Format.PNG, Format.WEBP])
@pytest.mark.parametrize("plays", [65_535, 65_536, 2**31 - 1])
async def test_many_plays_are_not_endless(pool: PixelPool, tmp_path: Path, format: Format, plays: int) -> None:
    seen, _ = await timing(pool, tmp_path, controlled(3, plays), format)
    assert seen == min(plays, MOST_PLAYS[format])


@pytest.mark.parametrize("control", [(3, 2**31), (3, 2**32 - 1), (2**31, 3)])
async def test_numbers_beyond_31_bits_make_it_a_still(
    pool: PixelPool, chromium: Shown, tmp_path: Path, control: tuple[int, int]
) -> None:
    data = controlled(*control)
    (tmp_path / "a").write_bytes(data)
    found = await pool.probe(tmp_path / "a", wait=WAIT)
    assert found.frames == (await chromium.frame(data, Format.PNG)).info["frames"] == 1
