"""What the log says, and what it must not say."""

import json
import os
import pty
import subprocess
import sys
from typing import Any

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
