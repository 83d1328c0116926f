"""HEIC through real pixel processes, in their cage."""

import sys
import time
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from image_service.errors import Refusal
from image_service.pixels.limits import Limits, Refused
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import DRAWN, Format, readable
from image_service.pixels.pool.pool import PixelPool
from tests.hostile.avif_boxes import Item, box, grid
from tests.hostile.trial import forget_peak, peak_memory, processor_seconds
from tests.pixels.heics import file, heic, hevc, part
from tests.pixels.pictures import BLUE, GREEN, RED, WHITE, alike, corners, pixel, swapped_profile
from tests.processes import DEADLINE

QUADRANTS = part("quadrants")
LIMITS = Limits(formats=tuple(Format))
MAX_MEMORY = 300_000  # kB, as of the hostile pictures
MAX_SECONDS = 4.0  # of processor time; 1.1 for 50 megapixels


@pytest.fixture(scope="module")
async def heic_pool() -> AsyncIterator[PixelPool]:
    async with PixelPool(1, LIMITS, probe_seconds=DEADLINE, draw_seconds=DEADLINE) as pool:
        yield pool


async def rendered(
    pool: PixelPool, folder: Path, data: bytes, width: int = 120, height: int = 80, format: Format = Format.PNG
) -> Image.Image:
    """What it becomes in full size."""
    (folder / "a").write_bytes(data)
    probe = await pool.probe(folder / "a", wait=DEADLINE)
    assert (probe.format, probe.width, probe.height, probe.frames) == (Format.HEIC, width, height, 1)
    assert probe.end == len(data)
    rendering = Rendering(Format.HEIC, format, width, height, 1)
    await pool.render(folder / "a", folder / "b", rendering, wait=DEADLINE)
    image = Image.open(BytesIO((folder / "b").read_bytes()))
    assert image.get_format_mimetype() == format.media_type
    assert not {"exif", "icc_profile", "xmp"} & image.info.keys()
    return image


def is_right(image: Image.Image) -> bool:
    pairs = zip(corners(image), (RED, GREEN, BLUE, WHITE), strict=True)
    return all(alike(seen, wanted, 16) for seen, wanted in pairs)


def test_it_can_be_read_here() -> None:
    assert readable() == tuple(Format)


@pytest.mark.parametrize("format", DRAWN)
async def test_it_is_rendered_in_every_format(heic_pool: PixelPool, tmp_path: Path, format: Format) -> None:
    assert is_right(await rendered(heic_pool, tmp_path, file("quadrants"), format=format))


@pytest.mark.parametrize("name", ["all-colours", "deep"])
async def test_other_codings(heic_pool: PixelPool, tmp_path: Path, name: str) -> None:
    assert is_right(await rendered(heic_pool, tmp_path, file(name)))


async def test_grey(heic_pool: PixelPool, tmp_path: Path) -> None:
    red, green, blue, white = corners(await rendered(heic_pool, tmp_path, file("grey")))
    for seen, wanted in ((red, 76), (green, 150), (blue, 29), (white, 255)):
        assert alike(seen, (wanted,) * 3, 16)


@pytest.mark.parametrize("quarters", range(4))
async def test_it_is_upright(heic_pool: PixelPool, tmp_path: Path, quarters: int) -> None:
    """By the property of the picture, against the clock. EXIF repeats it, and must not turn it once more."""
    exif = b"\0\0\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"
    items = [
        hevc(120, 80, QUADRANTS, box(b"irot", bytes([quarters]))),
        Item(exif, b"Exif", refers=((b"cdsc", (1,)),)),
    ]
    size = (80, 120) if quarters % 2 else (120, 80)
    image = await rendered(heic_pool, tmp_path, heic(items), *size)
    assert is_right(image.convert("RGB").rotate(-90 * quarters, expand=True))


async def test_a_profile_is_applied(heic_pool: PixelPool, tmp_path: Path) -> None:
    profile = box(b"colr", b"prof", swapped_profile())
    green, red, blue, white = corners(await rendered(heic_pool, tmp_path, heic([hevc(120, 80, QUADRANTS, profile)])))
    assert all(alike(*pair, 16) for pair in ((green, GREEN), (red, RED), (blue, BLUE), (white, WHITE)))


async def test_a_profile_that_is_none_is_ignored(heic_pool: PixelPool, tmp_path: Path) -> None:
    profile = box(b"colr", b"prof", b"not a profile" * 50)
    assert is_right(await rendered(heic_pool, tmp_path, heic([hevc(120, 80, QUADRANTS, profile)])))


async def test_transparency_is_kept_or_laid_on_white(heic_pool: PixelPool, tmp_path: Path) -> None:
    for format in (Format.PNG, Format.WEBP, Format.AVIF):
        kept = (await rendered(heic_pool, tmp_path, file("half-clear"), format=format)).convert("RGBA")
        assert alike(pixel(kept, 20, 40), (255, 0, 0, 255), 16)
        assert pixel(kept, 100, 40)[3] < 16
    flat = await rendered(heic_pool, tmp_path, file("half-clear"), format=Format.JPG)
    assert alike(pixel(flat, 100, 40), WHITE)


async def test_tiles(heic_pool: PixelPool, tmp_path: Path) -> None:
    parts = [hevc(64, 64, part(name), hidden=True) for name in ("red", "green", "blue", "white")]
    assert is_right(await rendered(heic_pool, tmp_path, heic([grid(2, 2, 120, 128, (2, 3, 4, 5)), *parts]), 120, 128))


async def test_a_crop(heic_pool: PixelPool, tmp_path: Path) -> None:
    middle = box(b"clap", *[number.to_bytes(4, "big") for number in (60, 1, 40, 1, 0, 1, 0, 1)])
    assert is_right(await rendered(heic_pool, tmp_path, heic([hevc(120, 80, QUADRANTS, middle)]), 60, 40))


async def test_what_the_decoder_gives_up_on_is_damaged(heic_pool: PixelPool, tmp_path: Path) -> None:
    config, data = QUADRANTS
    nothing = data[:4] + data[4:7] + bytes(len(data) - 7)  # a slice of zeros
    (tmp_path / "a").write_bytes(heic([hevc(120, 80, (config, nothing))]))
    with pytest.raises(Refused) as caught:
        await heic_pool.probe(tmp_path / "a", wait=DEADLINE)
    assert caught.value.refusal is Refusal.DAMAGED
    assert (heic_pool.died, heic_pool.killed) == (0, 0)


def phone(columns: int, rows: int, width: int, height: int) -> bytes:
    tiles = [hevc(512, 512, part("tile"), hidden=True)] * (columns * rows)
    return heic([grid(rows, columns, width, height, range(2, len(tiles) + 2)), *tiles])


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
@pytest.mark.parametrize(
    ("shape", "most"), [((8, 6, 4_032, 3_024), 130_000), ((16, 12, 8_160, 6_120), MAX_MEMORY)], ids=["12 MP", "50 MP"]
)
async def test_what_a_phones_picture_costs(
    heic_pool: PixelPool, tmp_path: Path, shape: tuple[int, int, int, int], most: int
) -> None:
    """`pytest -s` shows it."""
    _, _, width, height = shape
    (tmp_path / "a").write_bytes(phone(*shape))
    (pid,) = heic_pool.pids
    rendering = Rendering(Format.HEIC, Format.JPG, 640, round(640 * height / width), 1)
    for what in ("probe", "render"):
        forget_peak(pid)
        before, since = processor_seconds(pid), time.perf_counter()
        if what == "probe":
            assert (await heic_pool.probe(tmp_path / "a", wait=DEADLINE)).width == width
        else:
            await heic_pool.render(tmp_path / "a", tmp_path / "b", rendering, wait=DEADLINE)
        seconds, memory = processor_seconds(pid) - before, peak_memory(pid)
        took = time.perf_counter() - since
        sys.stdout.write(f"\n{what} {width}x{height}: {seconds:.2f} s of processor, {took:.2f} s, {memory} kB\n")
        assert seconds < MAX_SECONDS
        assert memory < most
