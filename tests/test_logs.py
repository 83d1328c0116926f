"""What the log says, and what it must not say."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from image_service.telemetry.log_stream import LogStream
from tests.faults.disks import fill, small_disk
from tests.processes import DEADLINE

SECRET = "5ecret-t0ken-of-a-store"

# An unforeseen error while a secret is at hand, a library's chatter, and a name that would forge a line.
PROGRAM = f"""
import logging, structlog
from image_service.telemetry import logs
logs.configure("info")
def fail(token):
    raise RuntimeError("unforeseen")
try:
    fail("-".join({SECRET.split("-")!r}))
except RuntimeError:
    structlog.get_logger().exception("failed")
logging.getLogger("alembic.runtime").info("chatter")
logging.getLogger("pgqueuer").info("chatter")
logging.getLogger("pgqueuer").warning("a queue's warning")
logging.getLogger("uvicorn.error").info("chatter")
logging.getLogger("uvicorn.error").error("a library's error")
structlog.get_logger().info("request", path="/\\n{{}}")
"""


def run(stderr: int) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-c", PROGRAM], stderr=stderr, check=True, timeout=DEADLINE)


def test_off_a_terminal_each_event_is_a_line_of_json() -> None:
    said = run(subprocess.PIPE).stderr.decode()
    lines: list[dict[str, Any]] = [json.loads(line) for line in said.splitlines()]
    assert [line["event"] for line in lines] == ["failed", "a queue's warning", "a library's error", "request"]
    assert all({"level", "timestamp", "pid"} <= line.keys() for line in lines)
    assert lines[0]["exception"][0]["exc_value"] == "unforeseen"
    assert lines[3]["path"] == "/\n{}"
    assert SECRET not in said


def test_on_a_terminal_it_can_be_read() -> None:
    master, slave = pty.openpty()
    run(slave)
    os.close(slave)
    said = b""
    try:
        while more := os.read(master, 65536):
            said += more
    except OSError:
        pass  # all has been read
    os.close(master)
    assert b"RuntimeError: unforeseen" in said
    assert b"chatter" not in said
    assert SECRET.encode() not in said


def test_without_a_standard_error_nothing_fails() -> None:
    command = ["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, PROGRAM]
    assert subprocess.run(command, check=False, timeout=DEADLINE).returncode == 0


# Says how many lines were lost, and writes one more once there is a file again.
LOSING = """
import logging, os, sys, structlog
from image_service.telemetry import logs
lost = []
logs.configure("info", lost=lambda: lost.append(1))
structlog.get_logger().info("request", path="/" + "x" * 20000)
logging.getLogger("alembic").error("a library's error")
try:
    raise RuntimeError
except RuntimeError:
    structlog.get_logger().exception("failed")
os.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT), 2)
structlog.get_logger().info("and on")
print(len(lost))
"""


def of_a_full_disk() -> int:
    return os.open("/dev/full", os.O_WRONLY)


def without_a_reader() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def of_a_slow_reader() -> int:
    _, writer = os.pipe()
    os.set_blocking(writer, False)
    while True:
        try:
            os.write(writer, b"x" * 4096)
        except BlockingIOError:
            return writer


@pytest.mark.parametrize("stream", [of_a_full_disk, without_a_reader, of_a_slow_reader])
def test_lines_that_cannot_be_written_are_lost(stream: Callable[[], int], tmp_path: Path) -> None:
    """They harm nothing, and nothing of them comes later."""
    command = [sys.executable, "-c", LOSING, str(tmp_path / "log")]
    done = subprocess.run(command, stderr=stream(), stdout=subprocess.PIPE, check=True, timeout=DEADLINE)
    assert done.stdout.split() == [b"3"]
    assert [json.loads(line)["event"] for line in (tmp_path / "log").read_text().splitlines()] == ["and on"]


def test_a_line_that_was_cut_does_not_spoil_the_next(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1) as disk:
        filler, log = fill(disk, 100), (disk / "log").open("w")
        lost = 0

        def count() -> None:
            nonlocal lost
            lost += 1

        stream = LogStream(log, count)
        while not lost:
            stream.write("a line of the log\n" * 100)
        filler.unlink()
        stream.write("whole\n")
        log.close()
        assert (disk / "log").read_text().splitlines()[-1] == "whole"
