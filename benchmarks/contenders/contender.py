"""What all contenders have in common for the load."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

BIN = Path(sys.executable).parent  # of the environment that the benchmarks run in: it has the service too


@dataclass(frozen=True)
class Contender:
    name: str
    url: str
    roots: tuple[int, ...]  # its processes, and those that it stands on: the database's
    headers: dict[str, str] = field(default_factory=dict)  # its credentials
