"""Decode and encode alone, in as many processes as cores: what rendering can cost at the least, without any service.

`python -m benchmarks.limits.pixels WAY FORMAT FOLDER PICTURE...` renders each picture once, 640 wide, and prints JSON.

    codec      decode at an eighth to a half, as the target's size allows, and encode that: nothing in between
    thumbnail  libvips' own `thumbnail`
"""

import json
import os
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Any

import pyvips

from benchmarks.measure import percentile
from benchmarks.processes import cpu_seconds

WIDTH = 640
SAVE: dict[str, dict[str, Any]] = {
    "jpg": {"Q": 82},
    "webp": {"Q": 80, "effort": 2},
    "avif": {"Q": 60, "effort": 0, "compression": "av1"},
}


def render(way: str, format_: str, source: str, target: str) -> float:
    """Milliseconds."""
    since = time.perf_counter()
    if way == "codec":
        image = pyvips.Image.jpegload(source, access="sequential")
        shrink = max(factor for factor in (1, 2, 4, 8) if image.width / factor >= WIDTH or factor == 1)
        image = pyvips.Image.jpegload(source, access="sequential", shrink=shrink).copy_memory()
        image = image.crop(0, 0, min(WIDTH, image.width), min(WIDTH * 3 // 4, image.height))
    else:
        image = pyvips.Image.thumbnail(source, WIDTH, height=10_000_000)
    image.write_to_file(target, keep="none", **SAVE[format_])
    return (time.perf_counter() - since) * 1000


def main() -> None:
    way, format_, folder, *pictures = sys.argv[1:]
    targets = [str(Path(folder) / f"{number}.{format_}") for number in range(len(pictures))]
    os.environ["VIPS_CONCURRENCY"] = "1"
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        count = os.cpu_count() or 1
        list(pool.map(render, repeat(way, count), repeat(format_), pictures[:count], targets))  # libraries are loaded
        since, before = time.perf_counter(), cpu_seconds([os.getpid()])
        times = list(pool.map(render, repeat(way), repeat(format_), pictures, targets))
        seconds, cpu = time.perf_counter() - since, cpu_seconds([os.getpid()]) - before
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    told = {
        "requests": len(times),
        "seconds": seconds,
        "p50": percentile(times, 50),
        "p99": percentile(times, 99),
        "cpu_seconds": cpu,
        "peak_bytes": peak * count,
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
