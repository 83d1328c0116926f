"""What is dear to render is known before it is decoded."""

import pytest

from image_service.pixels.messages import Drawing
from image_service.pixels.picture import Format
from image_service.pixels.pool.costs import DEAR_SECONDS, estimated_seconds

PHONE = (4000, 3000)


@pytest.mark.parametrize(
    ("drawing", "original", "is_dear"),
    [
        (Drawing(Format.JPG, Format.JPG, 640, 480, 1), PHONE, False),
        (Drawing(Format.JPG, Format.AVIF, 640, 480, 1), PHONE, False),
        (Drawing(Format.JPG, Format.WEBP, 1920, 1440, 1), PHONE, False),
        (Drawing(Format.JPG, Format.AVIF, *PHONE, 1), PHONE, True),
        (Drawing(Format.GIF, Format.GIF, 300, 300, 499), (300, 300), True),
        (Drawing(Format.GIF, Format.WEBP, 300, 300, 499), (300, 300), True),
        (Drawing(Format.GIF, Format.GIF, 50, 50, 499), (300, 300), True),
        (Drawing(Format.WEBP, Format.JPG, 300, 300, 499), (300, 300), False),  # one frame alone is read
        (Drawing(Format.GIF, Format.GIF, 240, 240, 12), (300, 300), False),
        (Drawing(Format.PNG, Format.PNG, 16_000, 3_100, 1), (16_000, 3_100), True),
    ],
)
def test_what_is_dear(drawing: Drawing, original: tuple[int, int], is_dear: bool) -> None:
    assert (estimated_seconds(drawing, *original) >= DEAR_SECONDS) is is_dear
