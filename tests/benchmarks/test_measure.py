"""What is made of measurements. `make bench` takes them; here are made-up ones."""

import math
from dataclasses import replace

import pytest

from benchmarks.measure import Fact, Ratio, Sample, figure, percentile, ratios

SAMPLE = Sample(requests=100, seconds=1.0, p50=5.0, p99=9.0, cpu_seconds=0.2, peak_bytes=50_000_000)


def test_figures_are_medians_of_the_rounds_and_memory_is_the_most() -> None:
    rounds = [
        SAMPLE,
        replace(SAMPLE, seconds=2.0, p50=7.0, cpu_seconds=0.3, peak_bytes=90_000_000),
        replace(SAMPLE, seconds=100.0, p50=100.0, cpu_seconds=10.0),  # someone else had the machine
    ]
    found = figure("a", rounds)
    assert (found.rate, found.slowest, found.fastest) == (50.0, 1.0, 100.0)
    assert (found.p50, found.p99, found.peak_mb) == (7.0, 9.0, 90.0)
    assert found.cpu_ms == pytest.approx(3.0)
    assert (found.rounds, found.requests, found.failed) == (3, 300, False)


def test_a_ratio_is_taken_within_each_round() -> None:
    slow = replace(SAMPLE, seconds=10.0, cpu_seconds=2.0)  # both were slow in the second round
    twice = [replace(SAMPLE, requests=200, cpu_seconds=0.2), replace(slow, requests=200, cpu_seconds=2.0)]
    [ratio] = ratios("a", {"a": twice, "b": [SAMPLE, slow]}, {"b": 2.5})
    assert ratio == Ratio("b", rate=2.0, lowest=2.0, highest=2.0, cpu=2.0, target=2.5)
    assert ratio.met is False


def test_one_wrong_answer_is_a_failure_and_not_a_speed() -> None:
    wrong = [SAMPLE, replace(SAMPLE, wrong=1)]
    assert figure("b", wrong).failed
    assert ratios("a", {"a": [SAMPLE] * 2, "b": wrong, "c": [SAMPLE] * 2}) == [Ratio("c", 1.0, 1.0, 1.0, 1.0)]
    assert ratios("b", {"a": [SAMPLE] * 2, "b": wrong}) == []


def test_nothing_answered_is_a_failure() -> None:
    assert figure("a", [replace(SAMPLE, requests=0)]).failed


@pytest.mark.parametrize(("percent", "value"), [(50, 2), (99, 4), (100, 4), (1, 1), (75, 3)])
def test_percentiles_are_values_that_occurred(percent: float, value: float) -> None:
    assert percentile([3, 1, 4, 2], percent) == value


def test_a_percentile_of_nothing_is_no_number() -> None:
    assert math.isnan(percentile([], 99))


def test_facts_know_whether_they_are_within_their_bounds() -> None:
    assert Fact("start", 1.9, "s", at_most=2.0).met
    assert Fact("start", 2.1, "s", at_most=2.0).met is False
    assert Fact("likeness", 0.99, "SSIM", at_least=0.996).met is False
    assert Fact("bytes", 1, "MB").met is None
