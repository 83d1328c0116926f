"""Colours that a picture describes without a profile: as Chromium shows them."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from image_service.pixels.limits import Limits
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from tests.pixels.conftest import WAIT
from tests.pixels.pictures import alike, chunk, encoded, pixel
from tests.pixels.shown import Shown
from tests.processes import DEADLINE

SIDE = 32  # pixels
SEEN = ((200, 50, 30), (30, 160, 60), (60, 60, 60), (250, 250, 250))
P3 = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
SRGB = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
PROFILE_OF_BT709, PROFILE_OF_P3, PROFILE_OF_2020 = 1, 12, 9
GAMMA_22, LINEAR, SRGB_CURVE, PQ, HLG = 4, 8, 13, 16, 18


def gamma(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


def numbers(primaries: int, curve: int) -> bytes:
    return chunk(b"cICP", bytes((primaries, curve, 0, 1)))


PNGS = {
    "gAMA 1.0": gamma(100_000),
    "gAMA 1/1.8": gamma(55_556),
    "gAMA 1/2.2": gamma(45_455),
    "gAMA 0": gamma(0),
    "cHRM": gamma(45_455) + chunk(b"cHRM", P3),
    "cHRM of sRGB": gamma(45_455) + chunk(b"cHRM", SRGB),
    "cHRM of nonsense": gamma(45_455) + chunk(b"cHRM", bytes(32)),
    "sRGB before gAMA": chunk(b"sRGB", b"\0") + gamma(100_000),
    "cICP P3": numbers(PROFILE_OF_P3, SRGB_CURVE),
    "cICP BT.2020": numbers(PROFILE_OF_2020, SRGB_CURVE),
    "cICP linear": numbers(PROFILE_OF_BT709, LINEAR),
    "cICP before gAMA": numbers(PROFILE_OF_P3, SRGB_CURVE) + gamma(100_000),
}


def png(chunks: bytes, *, colour_type: int = 2, depth: int = 8) -> bytes:
    """Four colours in bands, of these chunks."""
    rows = []
    for y in range(SIDE):
        colour = SEEN[y * len(SEEN) // SIDE]
        values = colour if colour_type == 2 else colour[:1]
        samples = b"".join(bytes([value]) * (depth // 8) for value in values)
        rows.append(b"\0" + samples * SIDE)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, depth, colour_type, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"".join(rows)))
    return b"\x89PNG\r\n\x1a\n" + head + chunks + pixels + chunk(b"IEND", b"")


def bands(image: Image.Image) -> list[tuple[int, ...]]:
    return [pixel(image.convert("RGB"), 5, SIDE * (2 * band + 1) // 8) for band in range(len(SEEN))]


@pytest.fixture(scope="module")
async def open_pool() -> object:
    async with PixelPool(1, Limits(formats=tuple(Format)), probe_seconds=DEADLINE, draw_seconds=DEADLINE) as pool:
        yield pool


async def drawn(pool: PixelPool, folder: Path, data: bytes, original: Format, size: tuple[int, int]) -> Image.Image:
    (folder / "a").write_bytes(data)
    found = await pool.probe(folder / "a", wait=WAIT)
    assert found.format is original
    await pool.render(folder / "a", folder / "b", Rendering(original, Format.PNG, *size, 1), wait=WAIT)
    return Image.open(BytesIO((folder / "b").read_bytes()))


def near(seen: list[tuple[int, ...]], wanted: list[tuple[int, ...]], tolerance: int = 6) -> bool:
    return all(alike(one, other, tolerance) for one, other in zip(seen, wanted, strict=True))


@pytest.mark.parametrize("name", PNGS)
@pytest.mark.parametrize("depth", [8, 16])
async def test_png(pool: PixelPool, chromium: Shown, tmp_path: Path, name: str, depth: int) -> None:
    data = png(PNGS[name], depth=depth)
    wanted = bands(await chromium.frame(data, Format.PNG))
    seen = bands(await drawn(pool, tmp_path, data, Format.PNG, (SIDE, SIDE)))
    assert near(seen, wanted), (seen, wanted)


async def test_a_grey_png(pool: PixelPool, chromium: Shown, tmp_path: Path) -> None:
    data = png(gamma(100_000), colour_type=0)
    wanted = bands(await chromium.frame(data, Format.PNG))
    assert near(bands(await drawn(pool, tmp_path, data, Format.PNG, (SIDE, SIDE))), wanted)


async def test_an_animated_png(pool: PixelPool, tmp_path: Path) -> None:
    frame = Image.new("RGB", (SIDE, SIDE), (55, 55, 55))
    data = encoded(frame, "PNG", save_all=True, append_images=[Image.new("RGB", (SIDE, SIDE), (56, 55, 55))])
    at = data.index(b"acTL") - 4
    (tmp_path / "a").write_bytes(data[:at] + gamma(100_000) + data[at:])
    await pool.render(tmp_path / "a", tmp_path / "b", Rendering(Format.PNG, Format.PNG, SIDE, SIDE, 2), wait=WAIT)
    image = Image.open(BytesIO((tmp_path / "b").read_bytes()))
    assert alike(pixel(image.convert("RGB"), 5, 5), (128, 128, 128), 2)


def avif(primaries: int, curve: int) -> bytes:
    """Four bands of colours that are said to be so. Pillow writes sRGB's numbers, in a box that is changed here."""
    image = Image.new("RGB", (SIDE * 2, SIDE * 2))
    for band, colour in enumerate(SEEN):
        image.paste(colour, (0, band * SIDE // 2, SIDE * 2, (band + 1) * SIDE // 2))
    data = encoded(image, "AVIF", quality=100, subsampling="4:4:4")
    at = data.index(b"nclx") + 4
    return data[:at] + struct.pack(">HH", primaries, curve) + data[at + 4 :]


@pytest.mark.parametrize(
    ("primaries", "curve"),
    [
        (PROFILE_OF_BT709, SRGB_CURVE),
        (PROFILE_OF_P3, SRGB_CURVE),
        (PROFILE_OF_2020, SRGB_CURVE),
        (PROFILE_OF_2020, 14),
        (PROFILE_OF_P3, GAMMA_22),
        (2, 2),
        (255, 255),
    ],
)
async def test_avif(open_pool: PixelPool, chromium: Shown, tmp_path: Path, primaries: int, curve: int) -> None:
    data = avif(primaries, curve)
    shown = await chromium.frame(data, Format.AVIF)
    wanted = bands(shown.resize((SIDE, SIDE), Image.Resampling.NEAREST))
    seen = bands(await drawn(open_pool, tmp_path, data, Format.AVIF, (SIDE, SIDE)))
    assert near(seen, wanted, 8), (seen, wanted)


@pytest.mark.parametrize("curve", [PQ, HLG])
async def test_hdr_is_mapped_to_what_a_screen_shows(open_pool: PixelPool, tmp_path: Path, curve: int) -> None:
    """There is no one right way: what is bright stays bright, what is grey stays grey, and order is kept."""
    red, green, dark, white = bands(
        await drawn(open_pool, tmp_path, avif(PROFILE_OF_2020, curve), Format.AVIF, (SIDE, SIDE))
    )
    assert alike(red, (255, 0, 0), 16)
    assert green[1] > 190 > max(green[0], green[2])
    assert max(dark) - min(dark) <= 6
    assert max(dark) < 100
    assert min(white) >= 250


@pytest.mark.parametrize(
    ("ink", "wanted"),
    [
        ((0, 0, 0, 0), (255, 255, 255)),
        ((0, 0, 0, 255), (0, 0, 0)),
        ((255, 255, 255, 255), (0, 0, 0)),
        ((255, 0, 0, 0), (0, 158, 226)),  # cyan, as it is printed: on a screen it would be (0, 255, 255)
        ((0, 255, 0, 0), (230, 0, 126)),
        ((0, 0, 255, 0), (255, 237, 0)),
    ],
)
async def test_cmyk_without_a_profile_is_as_printed(
    pool: PixelPool, tmp_path: Path, ink: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    data = encoded(Image.new("CMYK", (SIDE, SIDE), ink), "JPEG", quality=95)
    image = await drawn(pool, tmp_path, data, Format.JPG, (SIDE, SIDE))
    assert alike(pixel(image.convert("RGB"), 9, 9), wanted, 8)
