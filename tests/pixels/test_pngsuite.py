"""Every kind of PNG there is: Willem van Schaik's PngSuite, in `tests/data/pngsuite` with its licence."""

from pathlib import Path

import pytest
from PIL import Image, ImageChops

from image_service.errors import Refusal
from image_service.pixels.limits import Refused
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from tests.pixels.conftest import WAIT

FILES = sorted((Path(__file__).parents[1] / "data" / "pngsuite").glob("*.png"))
BROKEN = [path for path in FILES if path.name.startswith("x")]
WITHOUT_ALPHA_IN_PILLOW = {"tbbn0g04"}  # it looks for the 4-bit transparent grey among 8-bit ones
GOOD = [path for path in FILES if path not in BROKEN]


def test_the_suite_is_whole() -> None:
    assert (len(GOOD), len(BROKEN)) == (161, 14)


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
async def test_broken_ones_are_refused(pool: PixelPool, path: Path) -> None:
    with pytest.raises(Refused) as caught:
        await pool.probe(path, wait=WAIT)
    assert caught.value.refusal in (Refusal.NOT_AN_IMAGE, Refusal.DAMAGED)  # by what the breaking has left


def eight_bit(image: Image.Image) -> Image.Image:
    """Pillow cuts 16-bit grey off at 255 instead of scaling it."""
    return image.convert("I").point(lambda value: value * (1 / 256)).convert("L") if image.mode == "I;16" else image


def without_gamma(path: Path) -> bytes:
    """Most of these have a gamma of 1.0, which Pillow ignores."""
    data = path.read_bytes()
    at = data.find(b"gAMA") - 4
    return data[:at] + data[at + 16 :] if at >= 0 else data


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
async def test_good_ones_are_taken_and_rendered(pool: PixelPool, tmp_path: Path, path: Path) -> None:
    probe = await pool.probe(path, wait=WAIT)
    with Image.open(path) as image:
        assert (probe.width, probe.height) == image.size
        target = tmp_path / "rendered"
        (tmp_path / "plain").write_bytes(without_gamma(path))
        await pool.render(
            tmp_path / "plain", target, Rendering(Format.PNG, Format.PNG, probe.width, probe.height, 1), wait=WAIT
        )
        with Image.open(target) as rendered:
            assert rendered.size == image.size
            mode = "RGB" if path.stem in WITHOUT_ALPHA_IN_PILLOW else "RGBA"
            difference = ImageChops.difference(eight_bit(image).convert(mode), rendered.convert(mode))
            assert max(difference.tobytes()) <= 1
