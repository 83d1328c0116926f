"""Makes the photos beside it, and the package's sample, from two photos that scikit-image 0.26 brings along.

    python tests/data/photos/make.py DIRECTORY

DIRECTORY holds `coffee.png` and `rocket.jpg`: `skimage/data/` in scikit-image's wheel. Needs Pillow.
"""

import shutil
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

HERE = Path(__file__).parent
SAMPLE = HERE.parents[2] / "src/image_service/site/static/sample.jpg"

ORIENTATION = 0x0112  # the EXIF tag
# Where they stand in coffee.png, as ellipses: left, top, right, bottom.
CUP = (173, 18, 411, 212)
SAUCER = (79, 60, 479, 386)


def upside_right_by_its_orientation(coffee: Image.Image) -> None:
    """A portrait, stored lying on its left side as a phone does; 6: "turn me clockwise"."""
    upright = coffee.crop((190, 0, 490, 400))
    stored = upright.transpose(Image.Transpose.ROTATE_90)  # counter-clockwise
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    stored.save(HERE / "coffee-orientation-6.jpg", quality=88, exif=exif)


def cut_out(coffee: Image.Image) -> None:
    """Cup and saucer on nothing, with an edge that fades over some pixels."""
    mask = Image.new("L", coffee.size)
    render = ImageDraw.Draw(mask)
    render.ellipse(SAUCER, fill=255)
    render.ellipse(CUP, fill=255)
    cut = Image.new("RGBA", coffee.size)  # what cannot be seen is black, not the table
    cut.paste(coffee, mask=mask)
    cut.putalpha(mask.filter(ImageFilter.GaussianBlur(3)))
    cut.crop((70, 10, 490, 395)).resize((315, 289), Image.Resampling.LANCZOS).save(
        HERE / "transparent.png", optimize=True
    )


def animated(coffee: Image.Image) -> None:
    """A window of 240 by 120 pixels that wanders over the photo, to the right and down, in 12 frames."""
    small = coffee.resize((360, 240), Image.Resampling.LANCZOS)
    frames = [
        small.crop((step * 10, step * 10, step * 10 + 240, step * 10 + 120)).quantize(64, dither=Image.Dither.NONE)
        for step in range(12)
    ]
    frames[0].save(HERE / "animated.gif", save_all=True, append_images=frames[1:], duration=120, loop=0, disposal=1)


def main(source: Path) -> None:
    coffee = Image.open(source / "coffee.png").convert("RGB")
    coffee.save(SAMPLE, quality=88, optimize=True)
    upside_right_by_its_orientation(coffee)
    cut_out(coffee)
    animated(coffee)
    shutil.copyfile(source / "rocket.jpg", HERE / "rocket.jpg")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
