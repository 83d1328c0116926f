"""The doctor's output: a line for each check, and how to fix a fault."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"  # it works, but not as well or as safely as it could
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    check: str
    level: Level
    found: str
    mend: str = ""
    versions: dict[str, str] = field(default_factory=dict)  # of the checked programs, by name


Findings = AsyncIterator[Finding]


def ok(check: str, found: str) -> Finding:
    return Finding(check, Level.OK, found)


def warn(check: str, found: str, mend: str) -> Finding:
    return Finding(check, Level.WARN, found, mend)


def fail(check: str, found: str, mend: str) -> Finding:
    return Finding(check, Level.FAIL, found, mend)
