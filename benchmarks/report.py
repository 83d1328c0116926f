"""Tables to read, and JSON to keep."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import Machine
from benchmarks.measure import Fact, Figure, Ratio, Result, Step, Weighed
from benchmarks.places import RESULTS, made

LOADER_IS_THE_LIMIT = 0.8  # of a core


def table(result: Result) -> str:
    lines = ["", f"## {result.row}: {result.title}", ""]
    if result.figures:
        lines += _aligned(
            ("", "req/s", "slowest", "fastest", "p50 ms", "p99 ms", "CPU ms", "peak MB", "wrong"),
            [_figure(each) for each in result.figures],
        )
    if result.ratios:
        lines += ["", *_aligned(("against", "times", "from", "to", "in CPU", "target"), map(_ratio, result.ratios))]
    if result.facts:
        lines += ["", *_aligned(("", "", "", "target"), map(_fact, result.facts))]
    if result.steps:
        head = (
            "offered/s",
            "served",
            "refused",
            "wrong",
            "p99 served",
            "refused",
            "list",
            "warm",
            "peak MB",
            "cores",
            "again s",
        )
        lines += ["", *_aligned(head, map(_step, result.steps))]
    if result.weighed:
        heads = ("", "bytes", "SSIMULACRA2", "butteraugli", "peer's", "SSIMULACRA2", "butteraugli", "at equal S.", "b.")
        lines += ["", *_aligned(heads, map(_weighed, result.weighed))]
    for each in result.figures:
        if each.loader_share > LOADER_IS_THE_LIMIT:
            lines.append(f"The load took {each.loader_share:.0%} of a core with {each.contender}.")
    return "\n".join([*lines, "", *result.notes, ""])


def _figure(each: Figure) -> tuple[str, ...]:
    if each.failed:
        return (each.contender, "FAILED", *[""] * 6, str(each.wrong))
    numbers = (each.rate, each.slowest, each.fastest, each.p50, each.p99, each.cpu_ms, each.peak_mb)
    return (each.contender, *map(_number, numbers), str(each.wrong))


def _ratio(each: Ratio) -> tuple[str, ...]:
    target = "" if each.target is None else f">= {each.target:.2f} {_met(each.met)}"
    return (each.against, *(f"{value:.2f}" for value in (each.rate, each.lowest, each.highest, each.cpu)), target)


def _fact(each: Fact) -> tuple[str, ...]:
    bounds = [f">= {each.at_least:g}"] if each.at_least is not None else []
    bounds += [f"<= {each.at_most:g}"] if each.at_most is not None else []
    target = f"{' and '.join(bounds)} {_met(each.met)}" if bounds else ""
    return (each.name, _number(each.value), each.unit, target)


def _step(each: Step) -> tuple[str, ...]:
    return tuple(map(_number, asdict(each).values()))


def _weighed(each: Weighed) -> tuple[str, ...]:
    name, *numbers = asdict(each).values()
    width, format_, alone, *numbers = numbers
    what = f"{name}, {width}, {format_}{', encoder alone' if alone else ''}"
    return (what, *("-" if number is None else _number(number) for number in numbers))


def _met(met: bool | None) -> str:
    return "met" if met else "MISSED"


def _number(value: float) -> str:
    """Four digits, as far as they say anything."""
    if not math.isfinite(value):
        return "-"
    digits = max(0, 3 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:.{min(digits, 4)}f}" if value != int(value) else f"{int(value)}"


def _aligned(head: Sequence[str], rows: Any) -> list[str]:
    cells = [tuple(head), *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return [
        "  ".join(cell.ljust(width) if number == 0 else cell.rjust(width) for number, (cell, width) in pairs).rstrip()
        for row in cells
        for pairs in [list(enumerate(zip(row, widths, strict=True)))]
    ]


def as_json(machine: Machine, result: Result) -> dict[str, Any]:
    judged: Sequence[Ratio | Fact] = (*result.ratios, *result.facts)
    met = [each.met for each in judged if each.met is not None]
    told = {"machine": asdict(machine), "targets_met": all(met) if met else None, **asdict(result)}
    plain: dict[str, Any] = _plain(told)
    return plain


def _plain(value: Any) -> Any:
    """JSON has no word for what is not a number."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write(machine: Machine, results: Sequence[Result]) -> Path:
    """Every run's own, below the cache."""
    path = made("results") / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}.json"
    path.write_text(json.dumps({each.row: as_json(machine, each) for each in results}, indent=1) + "\n")
    return path


def publish(machine: Machine, results: Sequence[Result], *, peers: bool) -> None:
    """Into the committed file: the rows that were measured, beside those that were not."""
    path = RESULTS / ("peers.json" if peers else "limits.json")
    path.parent.mkdir(exist_ok=True)
    kept = json.loads(path.read_text()) if path.exists() else {}
    kept |= {each.row: as_json(machine, each) for each in results}
    path.write_text(json.dumps(kept, indent=1) + "\n")
