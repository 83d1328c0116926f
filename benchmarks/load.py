"""Runs the loader and reads what it found."""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from benchmarks.loader import Answer, Plan, Report, Request
from benchmarks.measure import Sample, percentile
from benchmarks.places import CHECKOUT
from benchmarks.processes import watched

DEADLINE = 600  # seconds for one load


@contextmanager
def loading(plan: Plan) -> Iterator["Loading"]:
    """A load that runs beside the block; its report is had after it."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(asdict(plan), file)
        file.flush()
        command = [sys.executable, "-m", "benchmarks.loader", file.name]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT)  # noqa: S603
        try:
            yield Loading(process)
        finally:
            process.kill()
            process.communicate()


class Loading:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def report(self) -> Report:
        """Waits for its end."""
        said, _ = self._process.communicate(timeout=DEADLINE)
        told = json.loads(said)
        return Report(**{**told, "answers": [Answer(**each) for each in told["answers"]]})


def load(plan: Plan) -> Report:
    with loading(plan) as under_way:
        return under_way.report()


def sample(plan: Plan, roots: Sequence[int], expected: int) -> Sample:
    """Ask for everything in the plan once, of the processes `roots`; `expected`: the status."""
    with watched(roots) as watch:
        report = load(plan)
    statuses = Counter(answer.status for answer in report.answers if answer.status != expected)
    if statuses:
        sys.stderr.write(f"  not {expected}: {dict(statuses)} (0: no answer)\n")
    right = [answer.ms for answer in report.answers if answer.status == expected]
    return Sample(
        requests=len(right),
        seconds=report.seconds,
        p50=percentile(right, 50),
        p99=percentile(right, 99),
        wrong=len(plan.requests) - len(right),
        cpu_seconds=watch.cpu_seconds,
        peak_bytes=watch.peak_bytes,
        loader_share=report.cpu_seconds / report.seconds,
    )


def form(folder: Path, picture: Path, name: str = "photo.jpg") -> tuple[Path, str]:
    """A picture as a form's field `file`: the body, and its content type."""
    boundary = "----image-service-benchmark"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    body = folder / f"{picture.name}.form"
    body.write_bytes(head.encode() + picture.read_bytes() + f"\r\n--{boundary}--\r\n".encode())
    return body, f"multipart/form-data; boundary={boundary}"


def get(paths: Sequence[str], headers: dict[str, str] | None = None) -> list[Request]:
    return [Request(path, headers=headers or {}) for path in paths]
