"""What more rows cost: the list, and a warm picture whose formats are looked up in the database."""

from collections.abc import Callable
from contextlib import ExitStack
from statistics import median

from benchmarks.filled import SOUGHT, Filled, filled
from benchmarks.load import get, sample
from benchmarks.loader import Plan
from benchmarks.measure import Fact, Result, Sample, figure
from benchmarks.places import made
from benchmarks.run import Get, Run, by_time
from benchmarks.wrk import paths_file

WORDS = {10_000: "10 thousand", 1_000_000: "1 million", 10_000_000: "10 million"}
AT_MOST = 1.3  # times the p50 with the fewest rows
CONNECTIONS = 8


def to_a_million(run: Run) -> Result:
    return _growth(run, "growth", (10_000, 1_000_000))


def to_ten_millions(run: Run) -> Result:
    return _growth(run, "growth-10m", (10_000, 1_000_000, 10_000_000))


def _growth(run: Run, row: str, sizes: tuple[int, ...]) -> Result:
    measured: dict[str, Callable[[int], Sample]] = {}
    facts: list[Fact] = []
    with ExitStack() as stack:
        for rows in sizes:
            run.say(f"  {WORDS[rows]} rows …")
            stock = stack.enter_context(filled(rows, WORDS[rows]))
            paths = paths_file(made("run", "growth"), str(rows), stock.lists_read())
            lists = Get(stock.service, stock.lists_read()[0], paths=paths, connections=CONNECTIONS)
            measured[f"list, {WORDS[rows]}"] = by_time(run, lists)
            measured[f"picture, {WORDS[rows]}"] = _delivery(run, stock)
            facts.append(Fact(f"indexes, {WORDS[rows]}", stock.index_bytes, "bytes an image"))
            facts.append(Fact(f"table, {WORDS[rows]}", stock.table_bytes, "bytes an image"))
        samples = run.interleaved(measured)
    for what in ("list", "picture"):
        least = samples[f"{what}, {WORDS[sizes[0]]}"]
        for rows in sizes[1:]:
            more = samples[f"{what}, {WORDS[rows]}"]
            times = median(many.p50 / few.p50 for few, many in zip(least, more, strict=True))
            facts.append(Fact(f"{what}: p50 at {WORDS[rows]} rows", times, "x", at_most=AT_MOST))
    figures = [figure(name, rounds) for name, rounds in samples.items()]
    return Result(row, "Growth with rows", figures, facts=facts)


def _delivery(run: Run, stock: Filled) -> Callable[[int], Sample]:
    """In each round other pictures, so that every one is looked up."""
    paths = stock.pictures()
    each = min(SOUGHT // run.rounds, 8 * run.requests)

    def measure(round_: int) -> Sample:
        requests = get(paths[round_ * each : (round_ + 1) * each], {"Accept": "image/avif,image/webp,*/*"})
        return sample(Plan(stock.service.url, requests, CONNECTIONS), stock.service.roots, 200)

    return measure
