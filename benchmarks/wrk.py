"""wrk: quick GETs, from a process that costs far less than the servers."""

import json
import resource
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.places import HERE

SCRIPT = HERE / "wrk.lua"


class WrkMissing(Exception):
    """wrk is not installed."""


@dataclass(frozen=True)
class Answered:
    requests: int
    seconds: float
    bytes: int  # heads and bodies
    p50: float  # milliseconds
    p99: float
    statuses: int  # answers of 400 and above
    broken: int  # connections that failed, and answers that took 10 s
    loader_share: float = 0.0  # of one core

    def wrong(self, bytes_each: int) -> int:
        """How many cannot have been as expected. Answers of another length show in the sum; headers vary a little."""
        if not self.requests:
            return 1
        odd = abs(self.bytes / self.requests - bytes_each) > 0.02 * bytes_each + 20
        return self.statuses + self.broken + (self.requests if odd else 0)


def parse(output: str) -> Answered:
    """Of the line that wrk.lua writes at the end. Raises `ValueError` where there is none."""
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if not lines:
        raise ValueError(f"wrk said: {output[-500:]}")
    return Answered(**json.loads(lines[-1]))


def run(
    url: str, *, connections: int, seconds: float, headers: Mapping[str, str] | None = None, paths: Path | None = None
) -> Answered:
    """Ask for `url`, or for each of the paths in a file in turn, on so many connections for whole seconds.

    Raises `WrkMissing`.
    """
    program = shutil.which("wrk")
    if program is None:
        raise WrkMissing("wrk is not installed: `apt-get install wrk` (Debian, Ubuntu), `brew install wrk`")
    command = [
        program,
        "-t1",
        f"-c{connections}",
        f"-d{max(1, round(seconds))}s",
        "--timeout",
        "10s",
        "-s",
        str(SCRIPT),
    ]
    for name, value in (headers or {}).items():
        command += ["-H", f"{name}: {value}"]
    command += [url, "--", *([str(paths)] if paths else [])]
    before = _children_seconds()
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    answered = parse(done.stdout)
    return replace(answered, loader_share=(_children_seconds() - before) / answered.seconds)


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def paths_file(folder: Path, name: str, paths: Sequence[str]) -> Path:
    file = folder / f"{name}.paths"
    file.write_text("\n".join(paths) + "\n")
    return file
