"""Bytes at equal quality: real photos at 320 and 640 as the service sends them, against sharp.

Twice, as bytes depend on the resize before the encoder:
- whole: each renders the photo itself, and is compared with a full decode and Lanczos resize;
- encoder alone: both are given the pixels of that resize.

The measures of what people see are SSIMULACRA2 (100 is the same, 90 looks the same) and butteraugli's 3-norm (0 is the
same). sharp encodes with its defaults, but at several qualities; between them its bytes at our score are interpolated.
"""

import json
import math
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, pairwise, product
from pathlib import Path
from statistics import median

import httpx
import pyvips
from ssimulacra2 import compute_ssimulacra2

from benchmarks.contenders import peers
from benchmarks.contenders.service import Service, service
from benchmarks.measure import Fact, Result, Weighed
from benchmarks.places import PEERS, emptied
from benchmarks.real_photos import real_photos
from benchmarks.run import Run
from image_service.pixels.colour.chroma import is_worth_a_look, needs_full
from image_service.pixels.encoders import encoded
from image_service.pixels.picture import Format

WIDTHS = (320, 640)
AHEAD = "avif, ahead"
EFFORT = 2  # of `EAGER_EFFORT`, by default
FORMATS = {"jpg": "jpg", "webp": "webp", "avif": "avif", AHEAD: "avif"}  # as tables call them
QUALITIES = {"jpg": (60, 70, 80, 88, 96), "webp": (60, 70, 80, 88, 96), "avif": (34, 42, 50, 60, 70, 80)}
DEFAULTS = {"jpg": 80, "webp": 80, "avif": 50}
AHEAD_SECONDS = 120
SHARP = """
const sharp = require("sharp"), asked = JSON.parse(process.argv[1]);
(async () => {
    for (const {source, target, width, format, quality} of asked)
        await sharp(source).rotate().resize({width}).toFormat(format, {quality}).toFile(target);
})();
"""

Sharps = Mapping[tuple[str, int], Path]  # format and quality


class ButteraugliMissing(Exception):
    """It is not installed."""


@dataclass(frozen=True)
class Scored:
    bytes: int
    ssimulacra2: float
    butteraugli: float


@dataclass(frozen=True)
class Ours:
    """A photo in one width: files by format as tables call it."""

    photo: str
    width: int
    source: Path
    files: Mapping[str, Path]
    encoder_alone: bool = False


def equal(run: Run) -> Result:
    """Raises `ButteraugliMissing`, `peers.PeerMissing`, `PhotosMissing`."""
    if shutil.which("butteraugli_main") is None:
        raise ButteraugliMissing("butteraugli_main is not installed: `apt-get install libjxl-devtools` (Debian)")
    peers.install_renderers()
    photos = real_photos()
    weighed = []
    served = _served(emptied("run", "bytes"), photos)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for each in chain(served, (_encoded(one, emptied("run", "encoded")) for one in served)):
            for found in _compared(pool, each, _sharps(each.source, each.width, emptied("run", "sharp"))):
                weighed.append(found)
                run.say(f"  {found}")
    title = f"{len(photos)} real photos, {' and '.join(map(str, WIDTHS))} wide: bytes over sharp's at equal quality"
    return Result("bytes", title, facts=[*_facts(weighed)], weighed=weighed)


def _compared(pool: ProcessPoolExecutor, ours: Ours, sharps: Sharps) -> Iterator[Weighed]:
    targets = [*ours.files.values(), *sharps.values()]
    scores = dict(zip(targets, pool.map(_score, [(ours.source, target) for target in targets]), strict=True))
    for name, format_ in FORMATS.items():
        mine = scores[ours.files[name]]
        others = [scores[sharps[format_, quality]] for quality in QUALITIES[format_]]
        default = scores[sharps[format_, DEFAULTS[format_]]]
        yield Weighed(
            photo=ours.photo,
            width=ours.width,
            format=name,
            encoder_alone=ours.encoder_alone,
            bytes=mine.bytes,
            ssimulacra2=mine.ssimulacra2,
            butteraugli=mine.butteraugli,
            peer_bytes=default.bytes,
            peer_ssimulacra2=default.ssimulacra2,
            peer_butteraugli=default.butteraugli,
            by_ssimulacra2=_at_equal(mine, others, lambda scored: scored.ssimulacra2),
            by_butteraugli=_at_equal(mine, others, lambda scored: -scored.butteraugli),
        )


def _at_equal(mine: Scored, others: Sequence[Scored], score: Callable[[Scored], float]) -> float | None:
    """Our bytes over the others' at our score; None if none of them is as good."""
    wanted, ordered = score(mine), sorted(others, key=score)
    if wanted < score(ordered[0]):
        return math.inf
    for low, high in pairwise(ordered):
        if score(low) <= wanted <= score(high):
            part = (wanted - score(low)) / (score(high) - score(low))
            return mine.bytes / math.exp(math.log(low.bytes) * (1 - part) + math.log(high.bytes) * part)
    return None


def _facts(weighed: Sequence[Weighed]) -> Iterator[Fact]:
    """Medians of all photos and widths. Where sharp is at no quality as good, it would have to send the more."""
    measures = (("by_ssimulacra2", "SSIMULACRA2"), ("by_butteraugli", "butteraugli"))
    for alone, name, (measure, label) in product((False, True), FORMATS, measures):
        ratios = [getattr(each, measure) for each in weighed if (each.format, each.encoder_alone) == (name, alone)]
        what = f"{name}, {'encoder alone' if alone else 'whole'}, {label}"
        yield Fact(f"{what}: bytes of sharp's", median(ratio or 0.0 for ratio in ratios), "x")
        if None in ratios:
            yield Fact(f"{what}: sharp is as good at no quality", ratios.count(None), f"of {len(ratios)}")


def _served(folder: Path, photos: Mapping[str, Path]) -> list[Ours]:
    """As who asks is answered, and AVIF as rendered ahead."""
    eager = {"eager_sizes": " ".join(f"{width}-0" for width in WIDTHS), "eager_formats": "avif"}
    found = []
    with service(emptied("run", "uploaded")) as asked, service(emptied("run", "ahead"), **eager) as ahead:
        for kind, source in photos.items():
            url, url_ahead = _added(asked, source), _added(ahead, source)
            _await_rendered(ahead, url_ahead)
            for width in WIDTHS:
                files = {
                    name: _got(f"{url_ahead if name == AHEAD else url}-{width}-0.{format_}", folder, name)
                    for name, format_ in FORMATS.items()
                }
                found.append(Ours(kind, width, source, files))
    return found


def _encoded(served: Ours, folder: Path) -> Ours:
    """By the service's encoders, of the pixels of a full decode and resize, whose file is the source here."""
    shown = pyvips.Image.new_from_file(str(served.files["jpg"]))
    png = folder / f"{served.source.stem}-{served.width}.png"  # libvips remembers what a path held before
    pixels = _resized(served.source, shown.width, shown.height)
    pixels.pngsave(str(png), compression=1, keep="none")
    files = {name: folder / f"{name}.{format_}" for name, format_ in FORMATS.items()}
    for name, path in files.items():
        effort = EFFORT if name == AHEAD else None
        data = encoded(pixels, Format(FORMATS[name]), None, lambda: _is_full(pixels), bytes, effort)
        path.write_bytes(data)
    return Ours(served.photo, served.width, png, files, encoder_alone=True)


def _is_full(pixels: pyvips.Image) -> bool:
    """Whether its colours need full resolution, as a render asks it."""
    return is_worth_a_look(pixels) and needs_full(pixels)


def _resized(source: Path, width: int, height: int) -> pyvips.Image:
    full = pyvips.Image.new_from_file(str(source)).autorot()
    if (full.width, full.height) != (width, height):
        full = full.resize(width / full.width, vscale=height / full.height, kernel="lanczos3")
    return full.copy_memory()


def _got(url: str, folder: Path, name: str) -> Path:
    target = folder / f"{name} {url.rpartition('/')[2]}"
    target.write_bytes(httpx.get(url, timeout=60).raise_for_status().content)
    return target


def _added(to: Service, source: Path) -> str:
    """Its URL, without size and format."""
    path = f"/products/{random.randrange(10**9)}/images"  # noqa: S311
    with source.open("rb") as file:
        answer = httpx.post(to.url + path, files={"file": file}, headers=to.headers, timeout=60).raise_for_status()
    return to.url + httpx.URL(answer.json()["src"]).path.rpartition("-640-0")[0]


def _await_rendered(to: Service, url: str) -> None:
    name = url.rpartition("/")[2]
    deadline = time.monotonic() + AHEAD_SECONDS
    while len([*to.public.rglob(f"{name}-*.avif")]) < len(WIDTHS):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} was not rendered ahead")
        time.sleep(0.2)


def _sharps(source: Path, width: int, folder: Path) -> Sharps:
    found = {
        (format_, quality): folder / f"{quality}.{format_}"
        for format_, qualities in QUALITIES.items()
        for quality in qualities
    }
    asked = [
        {"source": str(source), "target": str(target), "width": width, "format": format_, "quality": quality}
        for (format_, quality), target in found.items()
    ]
    subprocess.run(["node", "-e", SHARP, json.dumps(asked)], check=True, cwd=PEERS / "ipx")  # noqa: S603, S607
    return found


def _score(job: tuple[Path, Path]) -> Scored:
    """Of a file against the photo that it shows, which is resized if it has another size."""
    source, target = job
    data = target.read_bytes()
    shown = pyvips.Image.new_from_buffer(data, "")
    full = _resized(source, shown.width, shown.height)
    pngs = [Path(f"{target}.{name}.png") for name in ("original", "shown")]
    for image, png in zip((full, shown), pngs, strict=True):
        image.pngsave(str(png), compression=1, keep="none")
    command = ["butteraugli_main", *map(str, pngs)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    ssimulacra2 = float(compute_ssimulacra2(*map(str, pngs)))
    for png in pngs:
        png.unlink()
    return Scored(len(data), ssimulacra2, float(said.partition("3-norm:")[2].split()[0]))
