"""Several variants from one decode are what each would be alone."""

import os
from pathlib import Path

import pytest
from PIL import Image

from image_service.pixels.limits import Limits
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import Family, PixelPool
from tests.pixels.conftest import WAIT
from tests.pixels.pictures import alike, corners, encoded, format_of, oriented_jpeg, quadrants
from tests.processes import DEADLINE

OFFERED = (Format.AVIF, Format.WEBP, Format.JPG)


@pytest.mark.parametrize("original", [Format.JPG, Format.PNG, Format.WEBP])
async def test_they_are_what_each_would_be_alone(pool: PixelPool, tmp_path: Path, original: Format) -> None:
    source = tmp_path / "source"
    if original is Format.JPG:
        oriented_jpeg(source, 6)
    else:
        source.write_bytes(encoded(quadrants(), original.upper()))
    family = [
        Rendering(original, format, width, width * 2 // 3, 1, () if format is Format.JPG else (Format.JPG,))
        for width in (90, 30)
        for format in OFFERED
    ]
    targets = [tmp_path / str(number) for number in range(len(family))]
    lightest = await pool.render_family(source, lambda: Family(targets, family), wait=WAIT)
    for rendering, target, best in zip(family, targets, lightest, strict=True):
        alone = tmp_path / f"{target.name}.alone"
        await pool.render(source, alone, rendering, wait=WAIT)
        assert best in (rendering.format, *rendering.against)
        assert format_of(target) == rendering.format
        with Image.open(target) as one, Image.open(alone) as other:
            assert one.size == other.size == (rendering.width, rendering.height)
            assert all(map(alike, corners(one), corners(other)))
        if original is Format.PNG and rendering.format is not Format.AVIF:  # to which more time is given
            assert target.read_bytes() == alone.read_bytes()


async def test_what_nobody_waits_for_yields_to_all_else() -> None:
    async with PixelPool(1, Limits(), DEADLINE, DEADLINE, yields=True) as own, PixelPool(1, Limits(), 1, 1) as pool:
        assert [os.sched_getscheduler(each.pids[0]) for each in (own, pool)] == [os.SCHED_IDLE, os.SCHED_OTHER]
