"""Uploads: a photo of 580 kB as a form by 16 clients, 5 MB in base64, and what memory they take."""

import base64
import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import pictures
from benchmarks.contenders import peers, python
from benchmarks.contenders.contender import Contender
from benchmarks.contenders.postgres import postgres
from benchmarks.contenders.service import BEFORE, NAME, before, service
from benchmarks.load import form, load, sample
from benchmarks.loader import Plan, Request
from benchmarks.measure import Fact, Result, Sample
from benchmarks.places import emptied, made
from benchmarks.processes import memory_bytes
from benchmarks.run import Run

CLIENTS = 16
HEAVY_CLIENTS = 4
AT_ONCE = 64
HEAVY_MB = 9
BASE64_MB = 5
IN_MEMORY, KEPT_MB = "/dev/shm", 268.435456  # where kept pixels are, as installed, and their bound  # noqa: S108
_products = count(1_000_000)  # a new one for each upload: galleries end at 250 images


def photo(run: Run) -> Result:
    targets = {python.DAYS_WORK: 2.5, peers.DIRECTUS: 2.5, python.BARE: 0.7}
    return _photo(run, "upload", pictures.photo(2), 2 * run.requests, targets, {python.BARE: 0.6})


def large_photo(run: Run) -> Result:
    """Of 12 megapixels, whose pixels are kept for its first renders."""
    by_cpu = {python.DAYS_WORK: 1.5, python.BARE: 0.8}
    return _photo(run, "upload-12mp", pictures.photo(12), run.requests, {}, by_cpu)


def _photo(
    run: Run, row: str, picture: Path, number: int, targets: dict[str, float], by_cpu: dict[str, float]
) -> Result:
    """Targets of requests a second, and of the other's CPU over ours."""
    body, content_type = form(made("run", "uploads"), picture)

    def posts(to: Contender, path: str, expected: int = 201) -> Callable[[int], Sample]:
        return _posts(to, path, number, CLIENTS, str(body), content_type, expected)

    with ExitStack() as stack:
        ours = stack.enter_context(service(emptied("run", "uploaded")))
        database = stack.enter_context(postgres(made("data") / "days-work"))
        days_work = stack.enter_context(python.days_work(emptied("run", "days-work-files"), database))
        bare = stack.enter_context(python.bare(emptied("run", "bare-files"), database))
        caged = stack.enter_context(python.caged(emptied("run", "caged-files"), database))
        measured = {
            NAME: posts(ours, "/products/{product}/images"),
            python.BARE: posts(bare, "/steps"),
            python.RAW: posts(bare, "/raw"),
            python.CAGED: posts(caged, "/caged"),
            python.DAYS_WORK: posts(days_work, "/products/{product}/images"),
        }
        if other := before():
            earlier = stack.enter_context(service(emptied("run", "before"), BEFORE, other))
            measured[BEFORE] = posts(earlier, "/products/{product}/images")
        if run.peers and targets:
            measured[peers.DIRECTUS] = posts(stack.enter_context(peers.directus()), "/files", 200)
        samples = run.interleaved(measured)
    size = picture.stat().st_size // 1000
    result = run.result(row, f"Upload of a photo of {size} kB, {CLIENTS} clients", NAME, samples, targets)
    facts = [
        Fact(f"CPU of {ratio.against}, over ours", ratio.cpu, "times", at_least=by_cpu[ratio.against])
        for ratio in result.ratios
        if ratio.against in by_cpu
    ]
    return replace(result, facts=facts)


def _posts(
    to: Contender, path: str, number: int, clients: int, body: str, content_type: str, expected: int
) -> Callable[[int], Sample]:
    """So many in each round, each on a product of its own. Once before it counts: then everything is loaded."""

    def measure(_: int) -> Sample:
        headers = to.headers | {"Content-Type": content_type}
        requests = [Request(path.format(product=next(_products)), "POST", headers, body) for _ in range(number)]
        return sample(Plan(to.url, requests, clients), to.roots, expected)

    measure(0)
    return measure


def in_base64(run: Run) -> Result:
    picture = pictures.heavy(BASE64_MB)
    body = made("run", "uploads") / "base64.json"
    attachment = base64.b64encode(picture.read_bytes()).decode()
    body.write_text(json.dumps({"filename": "photo.jpg", "attachment": attachment}))

    def posts(to: Contender, path: str) -> Callable[[int], Sample]:
        return _posts(to, path, run.requests // 3, HEAVY_CLIENTS, str(body), "application/json", 201)

    with ExitStack() as stack:
        ours = stack.enter_context(service(emptied("run", "uploaded")))
        database = stack.enter_context(postgres(made("data") / "days-work"))
        days_work = stack.enter_context(python.days_work(emptied("run", "days-work-files"), database))
        measured = {
            NAME: posts(ours, "/products/{product}/images"),
            python.DAYS_WORK: posts(days_work, "/products/{product}/attachments"),
        }
        samples = run.interleaved(measured)
    title = f"Upload of {BASE64_MB} MB in base64, {HEAVY_CLIENTS} clients; the day's work: a Base64Bytes model"
    return run.result("upload-base64", title, NAME, samples, {python.DAYS_WORK: 3.0})


def memory(run: Run) -> Result:
    """By how much all processes together grow over what they were after one upload; kept pixels, which no process maps,
    apart.
    """
    body, content_type = form(made("run", "uploads"), pictures.heavy(HEAVY_MB))
    facts: list[Fact] = []
    with ExitStack() as stack:
        kept = Path(stack.enter_context(TemporaryDirectory(dir=IN_MEMORY)))
        ours = stack.enter_context(service(emptied("run", "uploaded"), kept_pixels_dir=str(kept)))
        database = stack.enter_context(postgres(made("data") / "days-work"))
        days_work = stack.enter_context(python.days_work(emptied("run", "days-work-files"), database))
        samples = {}
        for to in (ours, days_work):
            headers = to.headers | {"Content-Type": content_type}

            def posts(number: int, headers: dict[str, str] = headers) -> list[Request]:
                return [
                    Request(f"/products/{next(_products)}/images", "POST", headers, str(body)) for _ in range(number)
                ]

            load(Plan(to.url, posts(1)))
            before = memory_bytes(to.roots)
            found = sample(Plan(to.url, posts(AT_ONCE), AT_ONCE), to.roots, 201)
            samples[to.name] = [found]
            at_most = 150.0 if to is ours else None
            facts.append(Fact(f"{to.name}: growth", (found.peak_bytes - before) / 1e6, "MB", at_most=at_most))
            facts.append(Fact(f"{to.name}: before", before / 1e6, "MB"))
            run.say(f"  {facts[-2]}")
        pixels = sum(path.stat().st_size for path in kept.rglob("*") if path.is_file())
        facts.append(Fact(f"{NAME}: kept pixels, of 268 allowed", pixels / 1e6, "MB", at_most=KEPT_MB))
    result = run.result("memory", f"{AT_ONCE} uploads of {HEAVY_MB} MB at once", NAME, samples, {})
    return replace(result, facts=facts)
