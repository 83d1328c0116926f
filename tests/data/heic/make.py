"""Makes the HEICs beside it. Needs pillow-heif, whose encoder (x265) is under the GPL: no dependency of the project.

python tests/data/heic/make.py
"""

from pathlib import Path

import pillow_heif
from PIL import Image

HERE = Path(__file__).parent
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def quadrants(width: int = 120, height: int = 80) -> Image.Image:
    """As `tests.pixels.pictures.quadrants`."""
    image = Image.new("RGB", (width, height), WHITE)
    image.paste(RED, (0, 0, width // 2, height // 2))
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    return image


def half_clear() -> Image.Image:
    image = Image.new("RGBA", (120, 80), (0, 255, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 60, 80))
    return image


def tile(side: int = 512) -> Image.Image:
    """A slope in each colour, with some texture: what a phone's tile costs to decode."""
    across, down = Image.linear_gradient("L").resize((side, side)), Image.radial_gradient("L").resize((side, side))
    slopes = Image.merge("RGB", (across, down, across.rotate(90)))
    return Image.blend(slopes, Image.effect_noise((side, side), 30).convert("RGB"), 0.1)


def main() -> None:
    pillow_heif.register_heif_opener()
    quadrants().save(HERE / "quadrants.heic", quality=90)
    quadrants().convert("L").save(HERE / "grey.heic", quality=90)
    quadrants().save(HERE / "all-colours.heic", quality=90, chroma=444)
    half_clear().save(HERE / "half-clear.heic", quality=90)
    deep = b"".join(bytes([value, value]) for value in quadrants().tobytes())
    pillow_heif.from_bytes("RGB;16", (120, 80), deep).save(HERE / "deep.heic", quality=90)
    for name, colour in (("red", RED), ("green", GREEN), ("blue", BLUE), ("white", WHITE)):
        Image.new("RGB", (64, 64), colour).save(HERE / f"{name}.heic", quality=90)
    tile().save(HERE / "tile.heic", quality=50)


if __name__ == "__main__":
    main()
