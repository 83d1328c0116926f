"""Where and when figures were taken."""

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.places import CHECKOUT


@dataclass(frozen=True)
class Machine:
    date: str
    commit: str
    cpu: str
    cores: int
    memory_gb: float
    system: str
    python: str
    load: float  # of the last minute, before the first row: over 0.5 there was other work
    settings: dict[str, str]  # IMAGE_SERVICE_* of the environment: none is as installed

    def __str__(self) -> str:
        return f"{self.date}, {self.cpu}, {self.cores} cores, {self.memory_gb:.0f} GB, {self.system}"


def this_machine() -> Machine:
    info = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), platform.machine())
    kilobytes = int(Path("/proc/meminfo").read_text().split()[1])
    return Machine(
        date=datetime.now(UTC).date().isoformat(),
        commit=_commit() or "unknown",
        cpu=cpu,
        cores=os.cpu_count() or 1,
        memory_gb=kilobytes / 1e6,
        system=f"{platform.system()} {platform.release().partition('-')[0]}",
        python=platform.python_version(),
        load=os.getloadavg()[0],
        settings={name: value for name, value in sorted(os.environ.items()) if name.startswith("IMAGE_SERVICE_")},
    )


def _commit() -> str:
    git = ["git", "describe", "--always", "--dirty"]
    try:
        return subprocess.run(git, capture_output=True, text=True, cwd=CHECKOUT, check=False).stdout.strip()  # noqa: S603
    except FileNotFoundError:
        return ""
