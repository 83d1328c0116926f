"""What the speed costs: likeness to a full decode and resize, and bytes.

Pixels alone first (the service's own steps, written without loss), then variants as they are served. The likeness is
SSIM: 1 is the same.
"""

import random
import subprocess
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyvips
from PIL import Image
from skimage.metrics import structural_similarity

from benchmarks import pictures
from benchmarks.contenders.service import service
from benchmarks.measure import Fact, Result
from benchmarks.places import PEERS, emptied, made
from benchmarks.run import Run
from image_service.pixels.encoders import ENCODERS
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.render import render

WIDTH = 640
# sharp's own, of the 4 megapixel photo and of the textile, where it shrinks in the decoder; at 2 it does not.
SHARPS_PHOTO, SHARPS_TEXTILE = 0.996, 0.970
WEBP_BYTES = 1.05  # times those at effort 4, at the most
SHARP = """
const [source, target, width] = process.argv.slice(1);
require("sharp")(source).resize(+width).png().toFile(target);
"""


def likeness(run: Run) -> Result:
    sources = {"photo, 2 MP": pictures.photo(2), "photo, 4 MP": pictures.photo(4), "textile": pictures.textile()}
    facts: list[Fact] = []
    with (
        service(emptied("run", "uploaded")) as started,
        httpx.Client(base_url=started.url, headers=started.headers, timeout=60) as client,
    ):
        for name, source in sources.items():
            full = _full(source)
            facts += _of_pixels(run, name, source, full)
            facts += _as_served(client, name, source, full)
    return Result("quality", f"Likeness to a full decode and resize, {WIDTH} wide, and bytes", facts=facts)


def _full(source: Path) -> Any:
    image = pyvips.Image.new_from_file(str(source))
    return image.resize(WIDTH / image.width, kernel="lanczos3").numpy()


def _of_pixels(run: Run, name: str, source: Path, full: Any) -> list[Fact]:
    """Beside sharp, where it is installed."""
    height, width = full.shape[:2]
    target = made("run", "quality") / "pixels.png"
    pyvips.Image.thumbnail(str(source), width, height=height, size="force").write_to_file(str(target))
    facts = [Fact(f"{name}: libvips thumbnail", _ssim(full, target), "SSIM")]
    if run.peers:
        command = ["node", "-e", SHARP, str(source), str(target), str(width)]
        subprocess.run(command, check=True, cwd=PEERS / "ipx")  # noqa: S603
        facts.append(Fact(f"{name}: sharp", _ssim(full, target), "SSIM"))
    with target.open("wb") as file:
        render(source.read_bytes(), file.fileno(), Rendering(Format.JPG, Format.PNG, width, height, frames=1))
    at_least = SHARPS_TEXTILE if name == "textile" else SHARPS_PHOTO
    return [Fact(f"{name}: image-service", _ssim(full, target), "SSIM", at_least=at_least), *facts]


def _as_served(client: httpx.Client, name: str, source: Path, full: Any) -> list[Fact]:
    """The last picture that `_of_pixels` wrote is the service's own, without loss."""
    data = (made("run", "quality") / "pixels.png").read_bytes()  # libvips remembers what a path held before
    pixels = pyvips.Image.new_from_buffer(data, "")
    with source.open("rb") as file:
        added = client.post(f"/products/{random.randrange(10**9)}/images", files={"file": file})  # noqa: S311
    path = httpx.URL(added.raise_for_status().json()["src"]).path.removesuffix("jpg")
    facts = []
    for format_ in (Format.JPG, Format.WEBP, Format.AVIF):
        served = made("run", "quality") / f"served.{format_}"
        served.write_bytes(client.get(f"{path}{format_}").raise_for_status().content)
        size = served.stat().st_size
        facts.append(Fact(f"{name}: {format_} as served", _ssim(full, served), "SSIM"))
        facts.append(Fact(f"{name}: {format_} as served", size, "bytes"))
        if format_ is not Format.JPG:
            save, options = ENCODERS[format_]
            careful = getattr(pixels, f"{save}_buffer")(**{**options, "effort": 4, "keep": "none"})
            at_most = WEBP_BYTES if format_ is Format.WEBP else None
            facts.append(Fact(f"{name}: {format_}, of effort 4's bytes", size / len(careful), "x", at_most=at_most))
    return facts


def _ssim(full: Any, other: Path) -> float:
    with Image.open(other) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    return float(structural_similarity(full, pixels, channel_axis=2, data_range=255))
