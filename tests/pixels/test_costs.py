"""What is dear to render is known before it is decoded."""

import pytest

from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.costs import DEAR_SECONDS, estimated_seconds

PHONE = (4000, 3000)


@pytest.mark.parametrize(
    ("rendering", "original", "is_dear"),
    [
        (Rendering(Format.JPG, Format.JPG, 640, 480, 1), PHONE, False),
        (Rendering(Format.JPG, Format.AVIF, 640, 480, 1), PHONE, False),
        (Rendering(Format.JPG, Format.WEBP, 1920, 1440, 1), PHONE, False),
        (Rendering(Format.JPG, Format.AVIF, *PHONE, 1), PHONE, True),
        (Rendering(Format.GIF, Format.GIF, 300, 300, 499), (300, 300), True),
        (Rendering(Format.GIF, Format.WEBP, 300, 300, 499), (300, 300), True),
        (Rendering(Format.GIF, Format.GIF, 50, 50, 499), (300, 300), True),
        (Rendering(Format.WEBP, Format.JPG, 300, 300, 499), (300, 300), False),  # one frame alone is read
        (Rendering(Format.GIF, Format.GIF, 240, 240, 12), (300, 300), False),
        (Rendering(Format.PNG, Format.PNG, 16_000, 3_100, 1), (16_000, 3_100), True),
    ],
)
def test_what_is_dear(rendering: Rendering, original: tuple[int, int], is_dear: bool) -> None:
    assert (estimated_seconds(rendering, *original) >= DEAR_SECONDS) is is_dear
