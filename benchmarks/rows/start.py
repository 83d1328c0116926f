"""Start: from the command to the first `ready`, on an empty folder and on one with data."""

import time
from statistics import median

from benchmarks.contenders.service import service
from benchmarks.measure import Fact, Result
from benchmarks.places import emptied, made
from benchmarks.processes import cpu_seconds
from benchmarks.run import Run
from benchmarks.stock import schema, stocked

FIRST_SECONDS, LATER_SECONDS = 6.0, 2.0


def times(run: Run) -> Result:
    with stocked():
        pass  # the photos are there, and nothing is left to be recovered
    first, later, cpu = [], [], []
    for _ in range(run.rounds):
        folder = emptied("run", "start")
        since = time.perf_counter()
        with service(folder):
            first.append(time.perf_counter() - since)
        since = time.perf_counter()
        with service(made("data", f"photos-{schema()}")) as started:
            later.append(time.perf_counter() - since)
            cpu.append(cpu_seconds(started.roots))
        run.say(f"  first {first[-1]:.2f} s, with data {later[-1]:.2f} s")
    facts = [
        Fact("first start, median", median(first), "s", at_most=FIRST_SECONDS),
        Fact("with data, median", median(later), "s", at_most=LATER_SECONDS),
        Fact("with data, slowest", max(later), "s"),
        Fact("with data, CPU", median(cpu), "s"),
    ]
    return Result("start", "From the command to ready", facts=facts)
