"""Test pictures, made of photos that ship inside packages: no download, and the same bytes on every machine.

Those photos are small and clean. A camera's are large and grainy, and grain is what an encoder spends its bytes on:
several are laid side by side, enlarged a little, and given as much sensor noise as makes the bytes a pixel of a
camera (0.28 at quality 90: a 2 megapixel JPEG of 580 kB).
"""

import io
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import skimage
from PIL import Image, ImageOps

from benchmarks.places import made

BYTES_A_PIXEL = 0.28
QUALITY = 90
MEGAPIXELS = {1: (1152, 864), 2: (1664, 1248), 4: (2304, 1728), 12: (4000, 3000), 24: (6000, 4000)}
LARGE = 12  # megapixels: from here on more photos side by side
FRAMES = 12
_SKIMAGE = ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg", "motorcycle_left.png", "retina.jpg")


@cache
def photos() -> list[Image.Image]:
    """Those of scikit-image and matplotlib."""
    folder = Path(skimage.__file__).parent / "data"
    hopper = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    return [Image.open(path).convert("RGB") for path in (*(folder / name for name in _SKIMAGE), hopper)]


def scene(width: int, height: int, first: int = 0, grid: int = 2) -> Any:
    """`grid` x `grid` photos as an array of floats, 0 to 255; `first` chooses which."""
    columns, rows = -(-width // grid), -(-height // grid)
    canvas = Image.new("RGB", (columns * grid, rows * grid))
    for cell in range(grid * grid):
        photo = photos()[(first + cell) % len(photos())]
        filling = ImageOps.fit(photo, (columns, rows), Image.Resampling.LANCZOS)
        canvas.paste(filling, (cell % grid * columns, cell // grid * rows))
    return np.asarray(canvas.crop((0, 0, width, height)), dtype=np.float32)


def grainy(pixels: Any, sigma: float, seed: int = 1) -> Image.Image:
    """With noise as a sensor has it: the same in all channels for the most part, and in every pixel."""
    random = np.random.default_rng(seed)
    grain = random.normal(0, sigma, (*pixels.shape[:2], 1)) + random.normal(0, sigma / 2, pixels.shape)
    return Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8))


def jpeg(pixels: Any, target_bytes: int, **options: Any) -> bytes:
    """As JPEG of about so many bytes, by the amount of grain."""
    low, high = 0.0, 60.0
    while True:
        sigma = (low + high) / 2
        data = _encoded(grainy(pixels, sigma), "JPEG", quality=QUALITY, **options)
        if abs(len(data) / target_bytes - 1) < 0.01 or high - low < 0.01:
            return data
        low, high = (sigma, high) if len(data) < target_bytes else (low, sigma)


def photo(megapixels: int, *, progressive: bool = False, full_colour: bool = False) -> Path:
    """`full_colour`: 4:4:4, as some cameras and most editors write it; else 4:2:0."""
    width, height = MEGAPIXELS[megapixels]
    name = f"{megapixels}mp{'-progressive' if progressive else ''}{'-444' if full_colour else ''}.jpg"
    size = int(width * height * BYTES_A_PIXEL)
    grid = 3 if megapixels >= LARGE else 2
    options: dict[str, Any] = {"subsampling": "4:4:4"} if full_colour else {}
    return _once(name, lambda: jpeg(scene(width, height, grid=grid), size, progressive=progressive, **options))


def heavy(megabytes: int) -> Path:
    """A photo of 12 megapixels that weighs so much."""
    return _once(f"{megabytes}mb.jpg", lambda: jpeg(scene(4000, 3000, grid=3), megabytes * 1_000_000))


def textile() -> Path:
    """A fine weave, threads of three to four pixels: what shrinking in the decoder does worst."""
    width, height = MEGAPIXELS[4]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    bend = 6 * np.sin(y / 210) + 4 * np.sin(x / 330)
    warp, weft = np.sin((x + bend) * 2 * np.pi / 3.7), np.sin((y + bend) * 2 * np.pi / 3.1)
    weave = np.where((x // 3.7 + y // 3.1) % 2 == 0, warp, weft)
    folds = 40 * np.sin((x + 0.4 * y) / 170)
    colour = np.array([120, 95, 150], dtype=np.float32)
    pixels = colour + 45 * weave[..., None] + folds[..., None]
    return _once("textile.jpg", lambda: _encoded(grainy(pixels, 3), "JPEG", quality=QUALITY))


def transparent() -> Path:
    """A PNG of a megapixel, its edge fading out."""
    width, height = MEGAPIXELS[1]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    alpha = np.clip((1 - np.hypot(x, y)) * 5, 0, 1) * 255

    def encoded() -> bytes:
        picture = grainy(scene(width, height), 2)
        picture.putalpha(Image.fromarray(alpha.astype(np.uint8)))
        return _encoded(picture, "PNG")

    return _once("transparent.png", encoded)


def animated() -> Path:
    """A GIF of 12 frames that moves over a scene."""

    def encoded() -> bytes:
        wide = grainy(scene(1000, 480), 2)
        frames = [wide.crop((30 * n, 0, 30 * n + 640, 480)) for n in range(FRAMES)]
        return _encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=80, loop=0)

    return _once("animated.gif", encoded)


def _encoded(picture: Image.Image, format_: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format_, **options)
    return buffer.getvalue()


def _once(name: str, make: Any) -> Path:
    path = made("pictures") / name
    if not path.exists():
        unfinished = path.with_suffix(".new")
        unfinished.write_bytes(make())
        unfinished.replace(path)
    return path


WIDEST_DIFFERENCE = 14.0  # of 255, mean: another crop or picture has 40 and more, a poor encoder 5


def fault(path: Path, original: Path, format_: str, width: int) -> str:
    """What is wrong with a variant as it was served; empty if nothing is."""
    try:
        with Image.open(path) as got:
            if got.format != format_:
                return f"{got.format}, not {format_}"
            if got.width != width:
                return f"{got.width} pixels wide, not {width}"
            pixels = np.asarray(got.convert("RGB"), dtype=np.float32)
    except OSError as error:
        return str(error)
    expected = _small(original, pixels.shape[1], pixels.shape[0])
    difference = float(np.abs(pixels - expected).mean())
    return f"{difference:.0f} of 255 off on average" if difference > WIDEST_DIFFERENCE else ""


@cache
def _small(original: Path, width: int, height: int) -> Any:
    with Image.open(original) as picture:
        small = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
        return np.asarray(small, dtype=np.float32)
