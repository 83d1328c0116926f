"""Overload: cold renders offered at a rate, up to ten times what can be rendered, whatever comes back.

Beside them lists and warm pictures at a steady rate, whose times say whether the rest of the service feels it.
"""

import random
import time
from collections.abc import Sequence
from statistics import median

import httpx

from benchmarks.contenders.contender import Contender
from benchmarks.load import get, load, loading
from benchmarks.loader import Plan, Report
from benchmarks.measure import Fact, Result, Step, percentile
from benchmarks.processes import watched
from benchmarks.run import Run
from benchmarks.stock import A_PRODUCT, PHOTOS, stocked

FACTORS = (0.5, 1, 2, 4, 7, 10)  # times what can be rendered
DRAW_WAIT = 4.0  # seconds; the default of 10 would only make every step as much longer
# More than are offered as installed: ten times the rate takes many pictures that have not been rendered yet.
SIZES = tuple(f"{width}-0" for width in (50, 100, 160, 200, 240, 320, 400, 480, 560, 640, 800, 1024))
EXTENSIONS = ("jpg", "webp")
WARM_SIZE, WARM = "1920-0", 20  # pictures
CONNECTIONS = 16  # that find out what can be rendered
LISTS_A_SECOND, WARM_A_SECOND = 20.0, 40.0
SERVED = 0.75  # at ten times, of full speed
AS_BEFORE = 2.0  # times the usual time of a render
P99_MS = 50.0
GIVE_UP = 30.0  # seconds


class Cold:
    """Pictures that have not been rendered yet, in random order."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._left = list(paths)
        random.Random(1).shuffle(self._left)  # noqa: S311

    def take(self, number: int) -> list[str]:
        taken, self._left = self._left[:number], self._left[number:]
        return taken

    def put_back(self, paths: Sequence[str]) -> None:
        self._left += paths


def curve(run: Run) -> Result:
    seconds = 3 * run.seconds
    with stocked(draw_wait=str(DRAW_WAIT), sizes=" ".join((*SIZES, WARM_SIZE))) as stock:
        to = stock.service
        warm = stock.paths(WARM_SIZE)[:WARM]
        load(Plan(to.url, get(warm)))
        cold = Cold([path for size in SIZES for ext in EXTENSIONS for path in stock.paths(size, ext)])
        usual = median(_render(to, cold) for _ in range(10))
        can, picture = _can_render(to, cold, seconds)
        run.say(f"  can render {can:.0f}/s, one in {usual * 1000:.0f} ms")
        steps = []
        for factor in FACTORS:
            steps.append(_step(to, cold, warm, factor * can, seconds, usual))
            run.say(f"  {steps[-1]}")
        after, later = _can_render(to, cold, seconds)
    worst, around = steps[-1], (can + after) / 2  # other work on the machine changes within a minute
    picture = (picture + later) / 2
    beside = max(0.0, steps[0].cpu - steps[0].served * picture)  # cores for lists and warm variants
    refusal = max(0.0, worst.cpu - worst.served * picture - beside) / worst.refused if worst.refused else 0.0
    facts = [
        Fact("can render", can, "/s"),
        Fact("can render, after it all", after, "/s"),
        Fact("served at 10 times, of what it can before and after", worst.served / around, "x", at_least=SERVED),
        Fact("CPU of a picture, as fast as they come", 1000 * picture, "ms"),
        Fact("CPU of a refusal at 10 times", 1000 * refusal, "ms"),
        Fact("so it would serve, had it all cores", _by_cpu(refusal / picture), "x", at_least=SERVED),
        Fact("list at 10 times, p99", worst.p99_list, "ms", at_most=P99_MS),
        Fact("warm variant at 10 times, p99", worst.p99_warm, "ms", at_most=P99_MS),
        Fact("refusal at 10 times, p99", worst.p99_refused, "ms"),
        Fact("itself again after", max(step.recovered for step in steps), "s", at_most=1.0),
        Fact("neither served nor refused", sum(step.wrong for step in steps), "", at_most=0),
    ]
    title = f"Overload: cold renders offered for {seconds:.0f} s each, DRAW_WAIT {DRAW_WAIT:.0f} s"
    return Result("overload", title, facts=facts, steps=steps)


def _can_render(to: Contender, cold: Cold, seconds: float) -> tuple[float, float]:
    """Pictures a second, as fast as they come, and seconds of CPU for one."""
    paths = cold.take(len(SIZES) * PHOTOS // 4)
    with watched(to.roots, every=1.0) as watch:
        report = load(Plan(to.url, get(paths), CONNECTIONS, seconds=seconds))
    number = len(report.answers)
    cold.put_back(paths[number + report.unanswered :])
    return number / report.seconds, watch.cpu_seconds / number


def _by_cpu(refusal: float) -> float:
    """Of full speed at ten times the load, if the service's own CPU is the limit, and a refusal takes so much of a
    picture's: for x of full speed, x + (10 - x) * refusal = 1.
    """
    return max(0.0, (1 - 10 * refusal) / (1 - refusal))


def _step(to: Contender, cold: Cold, warm: Sequence[str], rate: float, seconds: float, usual: float) -> Step:
    paths = cold.take(int(rate * seconds))
    seconds = min(seconds, len(paths) / rate)
    lists = [f"/products/{number // A_PRODUCT + 1}/images" for number in range(0, PHOTOS, A_PRODUCT)]
    beside = [
        Plan(to.url, get(lists, to.headers), rate=LISTS_A_SECOND, seconds=seconds, again=True),
        Plan(to.url, get(warm), rate=WARM_A_SECOND, seconds=seconds, again=True),
    ]
    with (
        watched(to.roots, every=1.0) as watch,
        loading(beside[0]) as listing,
        loading(beside[1]) as warming,
        loading(Plan(to.url, get(paths), rate=rate, seconds=seconds)) as rendering,
    ):
        rendered = rendering.report()
        ended = time.monotonic()
        recovered = _recovered(to, cold, ended, usual)
        reports = listing.report(), warming.report()
    served = [answer.ms for answer in rendered.answers if answer.status == 200]
    refused = [answer.ms for answer in rendered.answers if answer.status == 503 and answer.retry_after]
    cold.put_back([paths[answer.request] for answer in rendered.answers if answer.status == 503])
    return Step(
        offered=(len(rendered.answers) + rendered.unanswered) / rendered.seconds,
        served=len(served) / rendered.seconds,
        refused=len(refused) / rendered.seconds,
        wrong=len(rendered.answers) - len(served) - len(refused),
        p99_served=percentile(served, 99),
        p99_refused=percentile(refused, 99),
        p99_list=_p99(reports[0]),
        p99_warm=_p99(reports[1]),
        peak_mb=watch.peak_bytes / 1e6,
        cpu=watch.cpu_seconds / rendered.seconds,
        recovered=recovered,
    )


def _p99(report: Report) -> float:
    return percentile([answer.ms if answer.status == 200 else float("inf") for answer in report.answers], 99)


def _render(to: Contender, cold: Cold) -> float:
    """Seconds that one takes, on an idle service."""
    since = time.perf_counter()
    httpx.get(to.url + cold.take(1)[0], timeout=GIVE_UP).raise_for_status()
    return time.perf_counter() - since


def _recovered(to: Contender, cold: Cold, since: float, usual: float) -> float:
    with httpx.Client(base_url=to.url, timeout=GIVE_UP) as client:
        while time.monotonic() - since < GIVE_UP:
            began = time.perf_counter()
            status = client.get(cold.take(1)[0]).status_code
            if status == 200 and time.perf_counter() - began < AS_BEFORE * usual:
                break
    return time.monotonic() - since
