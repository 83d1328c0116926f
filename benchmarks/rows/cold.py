"""Cold variants: photos of 2 and 4 megapixels, in turn, to 640 wide, each asked for once, on 8 connections."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks import pictures
from benchmarks.contenders import peers
from benchmarks.contenders.contender import Contender
from benchmarks.contenders.service import NAME
from benchmarks.load import get, load, sample
from benchmarks.loader import Plan
from benchmarks.measure import Result, Sample
from benchmarks.places import CHECKOUT, emptied
from benchmarks.run import Measured, Run
from benchmarks.stock import PHOTOS, files, original, stocked

CONNECTIONS = 8
WIDTH, WARM_UP_WIDTH = 640, 240
WARM_UP = 16  # requests, so that what is loaded at the first is loaded
KEEP_EVERY = 8  # of which the pictures are looked at
PILLOW = {"jpg": "JPEG", "webp": "WEBP", "avif": "AVIF"}
CODEC, THUMBNAIL = "decode, encode", "libvips thumbnail"
AS_WEBP = f"{NAME}, WebP"

Paths = Callable[[int, str, int], str]  # the number of a photo, the format, the width


def jpg(run: Run) -> Result:
    return _cold(run, "jpg", {peers.IPX: 1.5, peers.THUMBOR: 3.0})


def webp(run: Run) -> Result:
    return _cold(run, "webp", {peers.IPX: 1.6, peers.THUMBOR: 3.0})


def avif(run: Run) -> Result:
    """Encoders of others take a second of CPU for each: fewer are asked for."""
    few = Run(min(run.rounds, 3), run.seconds, max(8, run.requests // 3), run.peers)
    return _cold(few, "avif", {AS_WEBP: 1 / 1.6})


def _cold(run: Run, format_: str, targets: dict[str, float]) -> Result:
    rounds = min(run.rounds, PHOTOS // run.requests)
    with ExitStack() as stack:
        stock = stack.enter_context(stocked())

        def ours(number: int, ext: str, width: int) -> str:
            return stock.paths(f"{width}-0", ext)[number]

        measured: dict[str, Callable[[int], Sample]] = {NAME: _requests(run, stock.service, ours, format_)}
        if format_ == "avif":
            measured[AS_WEBP] = _requests(run, stock.service, ours, "webp")
        for way, name in (("codec", CODEC), ("thumbnail", THUMBNAIL)):
            measured[name] = _alone(run, way, format_)
        if run.peers:
            measured |= _peers(run, stack, format_)
        samples = run.interleaved(measured, rounds)
    title = f"Cold variant, JPEG of 2 and 4 MP to {WIDTH} wide, {PILLOW[format_]} out, {CONNECTIONS} connections"
    return run.result(f"cold-{format_}", title, NAME, samples, targets)


def _peers(run: Run, stack: ExitStack, format_: str) -> Measured:
    folder = files()
    ipx = stack.enter_context(peers.ipx(folder))
    directus = stack.enter_context(peers.directus())
    ids = peers.directus_files(directus, [original(number) for number in range(PHOTOS)])

    def in_directus(number: int, format_: str, width: int) -> str:
        return peers.directus_path(ids[number], format_, width)

    found = {
        peers.IPX: _requests(run, ipx, peers.ipx_path, format_),
        peers.DIRECTUS: _requests(run, directus, in_directus, format_),
    }
    if format_ != "avif":  # which it renders with a plugin only
        for name, threads in ((peers.THUMBOR, 0), (peers.THUMBOR_POOL, 2)):
            thumbor = stack.enter_context(peers.thumbor(folder, threads=threads))
            found[name] = _requests(run, thumbor, peers.thumbor_path, format_)
    return found


def _requests(run: Run, of: Contender, path: Paths, format_: str) -> Callable[[int], Sample]:
    """In each round other photos. Every eighth answer is opened and compared with the original."""
    load(Plan(of.url, get([path(number, format_, WARM_UP_WIDTH) for number in range(WARM_UP)], of.headers)))

    def measure(round_: int) -> Sample:
        numbers = range(round_ * run.requests, (round_ + 1) * run.requests)
        kept = emptied("run", "kept")
        requests = get([path(number, format_, WIDTH) for number in numbers], of.headers)
        plan = Plan(of.url, requests, CONNECTIONS, keep=str(kept), keep_every=KEEP_EVERY)
        measured = sample(plan, of.roots, 200)
        wrong = 0
        for file in kept.iterdir():
            fault = pictures.fault(file, original(numbers[int(file.name)]), PILLOW[format_], WIDTH)
            wrong += bool(fault)
            if fault:
                run.say(f"  {of.name}: {fault}")
        return replace(measured, wrong=measured.wrong + wrong)

    return measure


def _alone(run: Run, way: str, format_: str) -> Callable[[int], Sample]:
    def measure(round_: int) -> Sample:
        numbers = range(round_ * run.requests, (round_ + 1) * run.requests)
        return _pixels(way, format_, [original(number) for number in numbers])

    return measure


def _pixels(way: str, format_: str, originals: Sequence[Path]) -> Sample:
    command = [sys.executable, "-m", "benchmarks.limits.pixels", way, format_, str(emptied("run", "alone"))]
    done = subprocess.run(  # noqa: S603
        [*command, *map(str, originals)], check=True, capture_output=True, text=True, cwd=CHECKOUT
    )
    return Sample(**json.loads(done.stdout))
