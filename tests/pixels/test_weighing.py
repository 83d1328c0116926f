"""A photo is weighed against its own format: as stored, else as it would be."""

import random
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from tests.pixels.conftest import WAIT

SIDES = 640, 480


@pytest.fixture
def grain(tmp_path: Path) -> Path:
    """WebP takes nearly twice the bytes of JPEG for it."""
    source = tmp_path / "grain.jpg"
    Image.effect_noise(SIDES, 60).convert("RGB").save(source, quality=95)
    return source


@pytest.mark.parametrize(("own_bytes", "lightest"), [(None, Format.JPG), (10, Format.JPG), (10_000_000, Format.WEBP)])
async def test_the_stored_variant_is_what_counts(
    pool: PixelPool, grain: Path, tmp_path: Path, own_bytes: int | None, lightest: Format
) -> None:
    rendering = Rendering(Format.JPG, Format.WEBP, *SIDES, 1, (Format.JPG,), fixed=False, own_bytes=own_bytes)
    found, _ = await pool.render(grain, tmp_path / "drawn", rendering, wait=WAIT)
    assert found is lightest
    with Image.open(tmp_path / "drawn") as image:
        assert image.format == {Format.JPG: "JPEG", Format.WEBP: "WEBP"}[lightest]


@pytest.fixture
def dots(tmp_path: Path) -> Path:
    """Small dots in eight colours: a WebP of few bytes blurs them."""
    image, chance = Image.new("RGB", (800, 600), (0, 120, 0)), random.Random(2)
    for number in range(1500):
        x, y = chance.randrange(800), chance.randrange(600)
        ImageDraw.Draw(image).ellipse((x, y, x + 7, y + 7), fill=("red", "magenta", "blue")[number % 3])
    image.quantize(8).save(tmp_path / "dots.png")
    return tmp_path / "dots.png"


def is_lossy_webp(path: Path) -> bool:
    head = path.read_bytes()[:64]
    return head[8:12] == b"WEBP" and b"VP8L" not in head


async def test_a_blurred_webp_is_no_substitute(pool: PixelPool, dots: Path, tmp_path: Path) -> None:
    target, size = tmp_path / "drawn", (100, 75)
    found: list[Format] = []
    bytes_of: dict[Format, int] = {}
    for format in (Format.PNG, Format.AVIF, Format.WEBP):
        await pool.render(dots, target, Rendering(Format.PNG, format, *size, 1), wait=WAIT)
        bytes_of[format] = target.stat().st_size
    assert is_lossy_webp(target), "or this is about nothing"
    assert bytes_of[Format.WEBP] == min(bytes_of.values())
    for first, against in ((Format.AVIF, (Format.WEBP, Format.PNG)), (Format.WEBP, (Format.PNG,))):
        rendering = Rendering(Format.PNG, first, *size, 1, against, fixed=False)
        found.append((await pool.render(dots, target, rendering, wait=WAIT))[0])
        assert not is_lossy_webp(target)
        assert target.stat().st_size <= bytes_of[Format.PNG]
    assert found[0] is Format.AVIF


async def test_its_own_url_keeps_what_was_compared(pool: PixelPool, dots: Path, tmp_path: Path) -> None:
    """A WebP that is sent in place of a PNG is the one without loss, wherever it is asked for."""
    written, found = [], list[Format]()
    for fixed in (False, True):
        rendering = Rendering(Format.PNG, Format.WEBP, 100, 75, 1, (Format.PNG,), fixed=fixed)
        found.append((await pool.render(dots, tmp_path / "drawn", rendering, wait=WAIT))[0])
        written.append((tmp_path / "drawn").read_bytes())
    assert found[0] is found[1]
    assert written[0] == written[1] or found[0] is Format.PNG
