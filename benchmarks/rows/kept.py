"""What the cache of decoded pixels costs, and what its loss costs: CPU of 16 uploads at once, and of first renders.

Photos of 12 megapixels, of which the service keeps 2.3 MB each, in turns within each round:
- with the cache, and without it;
- with its tmpfs full: too small for one picture, and filled by others to the last byte (as root alone, who may mount);
- after a restart, which empties it;
- with two replicas, whose caches are their own: all is asked of the other one.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import pictures
from benchmarks.contenders.postgres import postgres
from benchmarks.contenders.service import Service, service
from benchmarks.load import get, load, sample
from benchmarks.loader import Plan
from benchmarks.measure import Fact, Result, Sample, figure
from benchmarks.places import emptied, made
from benchmarks.rows.photos import CONNECTIONS, sources, uploads
from benchmarks.run import Run

CLIENTS = 16
KEPT, NONE, SMALL, FILLED, RESTARTED, OTHER = (
    "kept",
    "KEPT_PIXELS=0",
    "tmpfs of 16 MB",
    "tmpfs filled",
    "after a restart",
    "of the other replica",
)
SMALL_MB, FILLED_MB = 16, 128  # of 128 the cache may take half, and one picture a sixteenth of that
UPLOAD, FIRST, SECOND = "16 uploads at once", "then 640 as JPEG", "then 320 as WebP"
VARIANTS = {FIRST: "640-0.jpg", SECOND: "320-0.webp"}


@dataclass
class Side:
    to: Service  # takes the uploads
    shows: Service  # is asked for variants
    paths: tuple[str, ...] = ()  # of what was uploaded last, without size and format

    def upload(self, picture: Path, number: int, _: int) -> Sample:
        requests, answers = uploads(self.to, [picture], number)
        found = sample(Plan(self.to.url, requests, CLIENTS, keep=str(answers), keep_every=1), self.to.roots, 201)
        self.paths = tuple(sources(answers))
        return found

    def show(self, variant: str, _: int) -> Sample:
        paths = [f"{path}-{variant}" for path in self.paths]
        return sample(Plan(self.shows.url, get(paths), CONNECTIONS), self.shows.roots, 200)


def costs(run: Run) -> Result:
    number, picture = max(CLIENTS, run.requests // 2), pictures.photo(12)
    with ExitStack() as stack:
        sides = {name: Side(to, to) for name, to in _services(stack).items()}
        sides[OTHER] = _replicas(stack)
        measured: dict[str, Callable[[int], Sample]] = {}
        for name, side in sides.items():
            side.upload(picture, CLIENTS, 0)  # once before it counts: then everything is loaded
            measured[f"{name}: {UPLOAD}"] = partial(side.upload, picture, number)
            for when, variant in VARIANTS.items():
                measured[f"{name}: {when}"] = partial(side.show, variant)
        measured |= _restarted(picture, number)
        samples = run.interleaved(measured)
    notes = [] if SMALL in sides else ["A full tmpfs: not measured, as only root may mount one."]
    facts = []
    for when in (UPLOAD, *VARIANTS):
        without = samples[f"{NONE}: {when}"]
        for name in (*sides, RESTARTED):
            if name != NONE and f"{name}: {when}" in samples:
                rounds = zip(samples[f"{name}: {when}"], without, strict=True)
                times = median(a.cpu_ms / b.cpu_ms for a, b in rounds)
                facts.append(Fact(f"{name}: {when}, of that without a cache", times, "x CPU"))
    figures = [figure(name, rounds) for name, rounds in samples.items()]
    title = "What kept pixels cost: photos of 12 MP"
    return Result("kept", title, figures, facts=facts, notes=notes)


def _services(stack: ExitStack) -> dict[str, Service]:
    settings = {KEPT: {}, NONE: {"kept_pixels": "0"}}
    if os.geteuid() == 0:
        settings[SMALL] = {"kept_pixels_dir": str(stack.enter_context(_tmpfs("small", SMALL_MB)))}
        settings[FILLED] = {"kept_pixels_dir": str(stack.enter_context(_tmpfs("filled", FILLED_MB)))}
    found = {}
    for name, told in settings.items():
        folder = emptied("run", f"kept-{name.replace(' ', '-')}")
        found[name] = stack.enter_context(service(folder, name, **told))
    if FILLED in settings:
        _fill(Path(settings[FILLED]["kept_pixels_dir"]))
    return found


def _replicas(stack: ExitStack) -> Side:
    """Each with a data folder and a cache of its own, on one PostgreSQL and one folder of bytes."""
    database = stack.enter_context(postgres(emptied("run", "replicas-database")))
    shared = {"database_url": database.plain_url, "storage_url": emptied("run", "replicas-blobs").as_uri()}
    one, other = (
        replace(replica, roots=(*replica.roots, database.pid))
        for replica in [
            stack.enter_context(service(emptied("run", name), name, **shared)) for name in ("replica-1", "replica-2")
        ]
    )
    return Side(one, other)


def _restarted(picture: Path, number: int) -> dict[str, Callable[[int], Sample]]:
    """In each round started twice: for the uploads, and for both renders, which are asked for at the first's turn."""
    second: list[Sample] = []

    def first(_: int) -> Sample:
        folder = emptied("run", "kept-restarted")
        with service(folder) as before:
            side = Side(before, before)
            side.upload(picture, number, 0)
        with service(folder) as after:
            load(Plan(after.url, get([f"{side.paths[0]}-240-0.jpg"])))  # everything is loaded, and one picture decoded
            side = Side(after, after, side.paths[1:])
            found = side.show(VARIANTS[FIRST], 0)
            second.append(side.show(VARIANTS[SECOND], 0))
        return found

    return {f"{RESTARTED}: {FIRST}": first, f"{RESTARTED}: {SECOND}": lambda round_: second[round_]}


@contextmanager
def _tmpfs(name: str, megabytes: int) -> Iterator[Path]:
    folder = made("run", f"tmpfs-{name}")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], check=True)  # noqa: S603, S607
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)  # noqa: S603, S607


def _fill(folder: Path) -> None:
    room = os.statvfs(folder)
    with (folder / "others").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize)
