"""System calls of running processes: in which order they are made, and which of them are made to fail (strace)."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.needs import needs
from tests.processes import DEADLINE, eventually

_LINE = re.compile(r"(?P<thread>\d+) +(?P<said>.*)")
_CALL = re.compile(r"(?P<name>\w+)\((?P<arguments>.*?)(?:\) += (?P<result>-?\d+)?.*| <unfinished \.\.\.>)$")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>.*\) += (?P<result>-?\d+)?")


@dataclass
class Call:
    """One that was begun at line `begun`, and ended at line `ended` of what strace has written."""

    name: str
    arguments: str  # descriptors with what they are: `7</some/path>`
    begun: int
    ended: int
    result: int

    @property
    def worked(self) -> bool:
        return self.result >= 0


@contextmanager
def traced(pids: Iterable[int], output: Path, *options: str) -> Iterator[None]:
    """While the block lasts. `options` say what of it."""
    pids = list(pids)
    said = output.with_suffix(".said")
    targets = [word for pid in pids for word in ("-p", str(pid))]
    with said.open("wb") as errors:
        command = ["strace", "-y", "-s", "80", "-o", str(output), *options, *targets]
        strace = subprocess.Popen(command, stderr=errors, stdin=subprocess.DEVNULL)
    try:
        eventually(lambda: all(f"Process {pid} attached" in said.read_text() for pid in pids) or strace.poll())
        assert strace.poll() is None, said.read_text()
        yield
    finally:
        strace.send_signal(signal.SIGINT)  # it lets them go
        strace.wait(DEADLINE)


def calls(output: Path) -> list[Call]:
    """In the order in which they ended; those that never did are left out."""
    begun: dict[str, tuple[str, str, int]] = {}
    found = []
    for number, line in enumerate(output.read_text(errors="replace").splitlines()):
        parts = _LINE.fullmatch(line)
        thread, said = (parts["thread"], parts["said"]) if parts else ("", line)
        if (resumed := _RESUMED.match(said)) and thread in begun:
            name, arguments, first = begun.pop(thread)
            found.append(Call(name, arguments, first, number, int(resumed["result"] or -1)))
        elif call := _CALL.match(said):
            if said.endswith("<unfinished ...>"):
                begun[thread] = call["name"], call["arguments"], number
            else:
                found.append(Call(call["name"], call["arguments"], number, number, int(call["result"] or -1)))
    return found


def _may_trace() -> bool:
    """Whether strace is here and may attach to a process of ours."""
    if shutil.which("strace") is None:
        return False
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        command = ["strace", "-p", str(process.pid), "-o", "/dev/null", "--trace=none"]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as strace:
            assert strace.stderr is not None
            attached = b" attached" in strace.stderr.readline()
            strace.send_signal(signal.SIGINT)
        process.kill()
    return attached


needs_strace = needs(_may_trace(), "a strace that may attach to processes")
