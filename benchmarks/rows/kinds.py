"""Cold variants of what is no plain JPEG, 640 wide in the format of their own, and an animation as WebP."""

import random
from collections.abc import Callable
from pathlib import Path

import httpx

from benchmarks import pictures
from benchmarks.contenders.service import Service, service
from benchmarks.load import get, sample
from benchmarks.loader import Plan
from benchmarks.measure import Result, Sample, figure
from benchmarks.places import emptied
from benchmarks.run import Run

CONNECTIONS = 8


def kinds(run: Run) -> Result:
    """What a render of each costs; there is no target."""
    each = max(4, run.requests // 6)
    with service(emptied("run", "uploaded")) as started:
        measured = {
            "progressive JPEG": _renders(run, started, pictures.photo(2, progressive=True), "jpg", each),
            "transparent PNG": _renders(run, started, pictures.transparent(), "png", each),
            "animated GIF": _renders(run, started, pictures.animated(), "gif", each),
            "animated WebP": _renders(run, started, pictures.animated(), "webp", each),
        }
        samples = run.interleaved(measured)
    figures = [figure(name, rounds) for name, rounds in samples.items()]
    return Result("cold-kinds", f"Cold variants of other kinds, {CONNECTIONS} connections", figures)


def _renders(run: Run, to: Service, picture: Path, ext: str, each: int) -> Callable[[int], Sample]:
    with httpx.Client(base_url=to.url, headers=to.headers, timeout=60) as client:
        product = random.randrange(10**9, 10**10)  # noqa: S311
        paths = []
        for _ in range(run.rounds * each):
            files = {"file": (picture.name, picture.read_bytes())}
            added = client.post(f"/products/{product}/images", files=files).raise_for_status().json()
            paths.append(f"{httpx.URL(added['src']).path.rpartition('.')[0]}.{ext}")

    def measure(round_: int) -> Sample:
        requests = get(paths[round_ * each : (round_ + 1) * each])
        return sample(Plan(to.url, requests, CONNECTIONS), to.roots, 200)

    return measure
