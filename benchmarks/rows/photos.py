"""Photos as phones and cameras make them: the first 640 soon after an upload, and all that a catalogue needs of one.

What counts is CPU of the whole process tree, the service's with its database; the contenders take turns in each round.
"""

import json
import random
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median

import httpx

from benchmarks import pictures
from benchmarks.contenders import peers
from benchmarks.contenders.contender import Contender
from benchmarks.contenders.service import BEFORE, NAME, Service, before, service
from benchmarks.load import form, get, load, sample
from benchmarks.loader import Plan, Request
from benchmarks.measure import Fact, Result, Sample, figure
from benchmarks.places import emptied, made
from benchmarks.processes import watched
from benchmarks.real_photos import real_photos
from benchmarks.run import Run

CONNECTIONS = 2
WIDTH = 640
SIZES, FORMATS = (240, 320, 640), ("jpg", "webp", "avif")
PLAIN = ("jpg", "webp")
AHEAD, PLAINLY = f"{NAME}, ahead", ", without AVIF"
QUICKLY = f"{AHEAD}, EAGER_EFFORT=0"
READY_SECONDS = 120

Measure = Callable[[int], Sample]
Peer = tuple[Contender, Callable[[int | str, str, int], str]]

# Of an upload within the hour: how many times the CPU of ipx, over ours.
SOON = {
    ("2 MP", "jpg"): 2.0,
    ("4 MP", "jpg"): 2.5,
    ("12 MP", "jpg"): 4.5,
    ("24 MP", "jpg"): 5.5,
    ("2 MP", "webp"): 1.8,
    ("4 MP", "webp"): 2.0,
    ("12 MP", "webp"): 2.8,
    ("24 MP", "webp"): 3.3,
}
KINDS = {
    "2 MP": partial(pictures.photo, 2),
    "4 MP": partial(pictures.photo, 4),
    "12 MP": partial(pictures.photo, 12),
    "24 MP": partial(pictures.photo, 24),
    "12 MP 4:4:4": partial(pictures.photo, 12, full_colour=True),
    "12 MP progressive": partial(pictures.photo, 12, progressive=True),
}
# Of a photo of 12 megapixels, without AVIF.
WHOLE = {peers.IPX: 3.3, peers.SHARP: 2.9, peers.THUMBOR: 2.9}


def soon(run: Run) -> Result:
    """A 640 of a photo that was uploaded a moment ago."""
    return _soon(run, "cold-soon", {kind: picture() for kind, picture in KINDS.items()})


def soon_real(run: Run) -> Result:
    return _soon(run, "cold-soon-real", real_photos())


def catalogue(run: Run) -> Result:
    """The whole cost of a catalogue photo of 12 megapixels: its upload (ours alone), three sizes in three formats."""
    return _catalogue(run, "catalogue", "A photo of 12 MP", [pictures.photo(12)])


def catalogue_real(run: Run) -> Result:
    photos = [*real_photos().values()]
    return _catalogue(run, "catalogue-real", f"Each of {len(photos)} real photos", photos)


def _soon(run: Run, row: str, photos: Mapping[str, Path]) -> Result:
    """So few in a round that the pixels of all of them are kept: of each at most 9 MB, of 256."""
    each = max(2, run.requests // 6)
    with ExitStack() as stack:
        ours = stack.enter_context(service(emptied("run", "uploaded")))
        others = {name: peer for name, peer in _peers(run, stack, photos.values()).items() if name == peers.IPX}
        measured: dict[str, Measure] = {}
        for kind, picture in photos.items():
            for format_ in PLAIN:
                measured[_row(NAME, kind, format_)] = partial(_first, ours, picture, format_, each)
                for name, peer in others.items():
                    measured[_row(name, kind, format_)] = partial(_rendered, peer, [picture], [format_], [WIDTH], each)
        samples = run.interleaved(measured)
    facts = [
        _times(
            f"{name}, {kind}, {format_}",
            samples[_row(NAME, kind, format_)],
            samples[_row(name, kind, format_)],
            SOON.get((kind, format_)),
        )
        for kind in photos
        for format_ in PLAIN
        for name in others
    ]
    figures = [figure(name, rounds) for name, rounds in samples.items()]
    title = f"A {WIDTH} within the hour of its upload, each alone; CPU of others over ours"
    return Result(row, title, figures, facts=facts)


def _catalogue(run: Run, row: str, what: str, photos: Sequence[Path]) -> Result:
    """Targets are those of the one photo of 12 megapixels."""
    times = max(1, run.requests // 12 // len(photos))
    has_targets = len(photos) == 1
    eager = {"eager_sizes": " ".join(f"{size}-0" for size in SIZES), "eager_formats": " ".join(FORMATS)}
    eager_plain = eager | {"eager_formats": " ".join(PLAIN)}
    with ExitStack() as stack:
        ours = stack.enter_context(service(emptied("run", "uploaded")))
        ahead = stack.enter_context(service(emptied("run", "ahead"), AHEAD, **eager))
        quickly = stack.enter_context(service(emptied("run", "quickly"), QUICKLY, **eager, eager_effort="0"))
        plainly = stack.enter_context(service(emptied("run", "plainly"), AHEAD + PLAINLY, **eager_plain))
        measured: dict[str, Measure] = {
            NAME: partial(_whole, ours, photos, FORMATS, times, 0),
            AHEAD: partial(_whole, ahead, photos, FORMATS, times, len(SIZES) * len(FORMATS)),
            QUICKLY: partial(_whole, quickly, photos, FORMATS, times, len(SIZES) * len(FORMATS)),
            NAME + PLAINLY: partial(_whole, ours, photos, PLAIN, times, 0),
            AHEAD + PLAINLY: partial(_whole, plainly, photos, PLAIN, times, len(SIZES) * len(PLAIN)),
        }
        if other := before():
            earlier = stack.enter_context(service(emptied("run", "before"), BEFORE, other))
            measured[BEFORE] = partial(_whole, earlier, photos, FORMATS, times, 0)
            measured[BEFORE + PLAINLY] = partial(_whole, earlier, photos, PLAIN, times, 0)
        if run.peers:
            others = _peers(run, stack, photos)
            for name, peer in others.items():
                measured[name] = partial(_rendered, peer, photos, FORMATS, SIZES, times)
                measured[name + PLAINLY] = partial(_rendered, peer, photos, PLAIN, SIZES, times)
            for name, formats in ((peers.SHARP, FORMATS), (peers.SHARP + PLAINLY, PLAIN)):
                measured[name] = partial(_by_sharp, photos, formats, times)
        samples = run.interleaved(measured)
    facts = [
        Fact(way, median(each.cpu_ms for each in samples[name]), "ms CPU", at_most=most if has_targets else None)
        for name, way, most in (
            (NAME, "asked for one by one", 170),
            (AHEAD, "rendered ahead, AVIF more slowly", 125),
            (QUICKLY, "rendered ahead, AVIF as for a request", 125),
        )
    ]
    wanted = {name + PLAINLY: times for name, times in WHOLE.items()} if has_targets else {}
    ours_of = {"": (NAME, QUICKLY), PLAINLY: (NAME + PLAINLY, AHEAD + PLAINLY)}
    for name in samples:
        if not name.startswith(NAME):
            one_by_one, ahead_of_requests = ours_of[PLAINLY if name.endswith(PLAINLY) else ""]
            facts.append(_times(name, samples[one_by_one], samples[name], wanted.get(name)))
            facts.append(
                _times(f"{name}, over ours ahead", samples[ahead_of_requests], samples[name], wanted.get(name))
            )
    figures = [figure(name, rounds) for name, rounds in samples.items()]
    title = f"{what}: upload, {len(SIZES)} sizes, {len(FORMATS)} formats; CPU of others over ours"
    return Result(row, title, figures, facts=facts)


def _row(name: str, kind: str, format_: str) -> str:
    return f"{name}, {kind}, {format_}"


def _times(name: str, ours: Sequence[Sample], other: Sequence[Sample], at_least: float | None) -> Fact:
    """The median of the rounds' own ratios."""
    times = median(b.cpu_ms / a.cpu_ms for a, b in zip(ours, other, strict=True))
    return Fact(name, times, "times", at_least=at_least)


def _peers(run: Run, stack: ExitStack, photos: Iterable[Path]) -> Mapping[str, Peer]:
    if not run.peers:
        return {}
    peers.install_renderers()
    folder = emptied("run", "photos")
    shutil.copy(pictures.photo(2), folder / "0.jpg")  # it is asked for at the start
    for picture in photos:
        (folder / picture.name).symlink_to(picture)
    return {
        peers.IPX: (stack.enter_context(peers.ipx(folder)), peers.ipx_path),
        peers.THUMBOR: (stack.enter_context(peers.thumbor(folder)), peers.thumbor_path),
    }


def uploads(to: Service, photos: Sequence[Path], times: int) -> tuple[list[Request], Path]:
    product = random.randrange(10**9, 10**10)  # noqa: S311
    requests = []
    for picture in photos:
        body, content_type = form(made("run", "uploads"), picture)
        headers = to.headers | {"Content-Type": content_type}
        requests += [Request(f"/products/{product}/images", "POST", headers, str(body))] * times
    return requests, emptied("run", "answers")


def sources(answers: Path) -> list[str]:
    """The URLs' paths, without size and format."""
    urls = [httpx.URL(json.loads(path.read_text())["src"]).path for path in answers.iterdir()]
    return [url.rpartition(f"-{WIDTH}-0")[0] for url in urls]


def _first(ours: Service, picture: Path, format_: str, each: int, _: int) -> Sample:
    requests, answers = uploads(ours, [picture], each)
    load(Plan(ours.url, requests, 1, keep=str(answers), keep_every=1))
    paths = [f"{source}-{WIDTH}-0.{format_}" for source in sources(answers)]
    return sample(Plan(ours.url, get(paths), CONNECTIONS), ours.roots, 200)


def _whole(ours: Service, photos: Sequence[Path], formats: Sequence[str], times: int, ahead: int, _: int) -> Sample:
    """`ahead`: how many variants of each are awaited before they are asked for."""
    requests, answers = uploads(ours, photos, times)
    before = _kept(ours)
    with watched(ours.roots) as watch:
        since = time.monotonic()
        added = load(Plan(ours.url, requests, 1, keep=str(answers), keep_every=1))
        deadline = since + READY_SECONDS
        while ahead and _kept(ours) < before + ahead * len(requests) and time.monotonic() < deadline:
            time.sleep(0.2)
        paths = [f"{source}-{size}-0.{format_}" for source in sources(answers) for size in SIZES for format_ in formats]
        answered = load(Plan(ours.url, get(paths), CONNECTIONS))
        seconds = time.monotonic() - since
    expected = [(each.status, 201) for each in added.answers] + [(each.status, 200) for each in answered.answers]
    wrong = sum(got != wanted for got, wanted in expected)
    return Sample(len(requests), seconds, 0.0, 0.0, wrong, watch.cpu_seconds, watch.peak_bytes)


def _kept(ours: Service) -> int:
    """Variants on its disk: to look there costs the service nothing."""
    return sum(path.suffix.removeprefix(".") in FORMATS for path in ours.public.rglob("*-*-*"))


def _rendered(
    peer: Peer, photos: Sequence[Path], formats: Sequence[str], sizes: Sequence[int], times: int, _: int
) -> Sample:
    contender, path = peer
    paths = [path(picture.stem, format_, size) for picture in photos for size in sizes for format_ in formats] * times
    with watched(contender.roots) as watch:
        report = load(Plan(contender.url, get(paths, contender.headers), CONNECTIONS))
    wrong = sum(answer.status != 200 for answer in report.answers)
    return Sample(len(photos) * times, report.seconds, 0.0, 0.0, wrong, watch.cpu_seconds, watch.peak_bytes)


def _by_sharp(photos: Sequence[Path], formats: Sequence[str], times: int, _: int) -> Sample:
    done = [peers.sharp(picture, times, formats, SIZES) for picture in photos]
    cpu, seconds = (sum(each) for each in zip(*done, strict=True))
    return Sample(len(photos) * times, seconds, 0.0, 0.0, cpu_seconds=cpu)
