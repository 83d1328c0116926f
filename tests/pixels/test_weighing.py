"""A photo is weighed against its own format: as stored, else as it would be."""

from pathlib import Path

import pytest
from PIL import Image

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
    found: list[Format] = []
    await pool.render(grain, tmp_path / "drawn", rendering, wait=WAIT, lightest=found.append)
    assert found == [lightest]
    with Image.open(tmp_path / "drawn") as image:
        assert image.format == {Format.JPG: "JPEG", Format.WEBP: "WEBP"}[lightest]
