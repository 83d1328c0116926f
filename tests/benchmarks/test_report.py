"""The tables that a developer reads."""

import json
import subprocess
import sys
from math import nan
from pathlib import Path

from benchmarks.machine import this_machine
from benchmarks.measure import Fact, Result, Sample, Weighed, figure, ratios
from benchmarks.report import as_json, table

FAST = [Sample(requests=1234, seconds=1.0, p50=0.5, p99=12.25, cpu_seconds=0.5)]
SLOW = [Sample(requests=100, seconds=1.0, p50=5.0, p99=9.0, cpu_seconds=0.2, loader_share=0.95)]
WRONG = [Sample(requests=100, seconds=0.1, p50=5.0, p99=9.0, wrong=3)]
SAMPLES = {"ours": FAST, "theirs": SLOW, "broken": WRONG}
RESULT = Result(
    "row",
    "A title",
    [figure(name, samples) for name, samples in SAMPLES.items()],
    ratios("ours", SAMPLES, {"theirs": 15.0}),
    [Fact("start", 1.5, "s", at_most=2.0)],
    weighed=[Weighed("leaf", 640, "webp", True, 22_274, 72.9, 1.33, 21_232, 73.0, 1.24, 1.055, None)],
)


def line(beginning: str) -> str:
    return next(line for line in table(RESULT).splitlines() if line.startswith(beginning))


def test_numbers_have_four_digits() -> None:
    assert line("ours").split()[1:7] == ["1234", "1234", "1234", "0.5000", "12.25", "0.4052"]


def test_a_target_says_whether_it_is_met() -> None:
    assert table(RESULT).count("MISSED") == 1
    assert ">= 15.00 MISSED" in table(RESULT)
    assert line("start").endswith("<= 2 met")


def test_a_peer_that_is_nowhere_as_good_has_no_ratio() -> None:
    assert line("leaf, 640, webp, encoder alone").split()[-2:] == ["1.055", "-"]


def test_who_answered_wrongly_has_no_speed() -> None:
    assert line("broken").split() == ["broken", "FAILED", "3"]


def test_a_load_that_was_the_limit_itself_is_said() -> None:
    assert "The load took 95% of a core with theirs." in table(RESULT)


def test_what_is_written_is_json_also_where_there_is_no_number() -> None:
    nothing = figure("silent", [Sample(requests=0, seconds=1.0, p50=nan, p99=nan, wrong=1)])
    told = as_json(this_machine(), Result("row", "A title", [nothing]))
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["figures"][0]["p50"] is None
    assert told["machine"]["cores"] >= 1


def test_a_machine_without_git_has_no_commit() -> None:
    asked = "from benchmarks.machine import this_machine; print(this_machine().commit)"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", asked], env={"PATH": ""}, cwd=root, capture_output=True, check=True)
    assert done.stdout == b"unknown\n"
