"""What processes cost, read from /proc."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.processes import NotStarted, cpu_seconds, family, memory_bytes, running, watched

BURN = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}]); print('done', flush=True); input()"


def test_a_family_s_time_has_that_of_children_that_have_ended() -> None:
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        assert cpu_seconds([process.pid]) >= 0.2
        assert memory_bytes([process.pid]) > 1_000_000
        process.communicate(b"\n")


def test_a_process_s_time_is_finer_than_a_tick() -> None:
    script = "import threading, time; t = threading.Thread(target=sum, args=[range(10**5)]); t.start(); t.join()"
    command = [sys.executable, "-c", f"{script}; print(time.process_time(), flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        said = float(process.stdout.readline())
        assert said <= cpu_seconds([process.pid]) < said + 0.1
        process.communicate(b"\n")


def test_children_belong_to_the_family() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert process.pid in family([os.getpid()])
        process.communicate(b"\n")
    assert process.pid not in family([os.getpid()])


def test_what_is_watched_is_what_the_block_cost() -> None:
    with watched([os.getpid()]) as watch:
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
    assert 0.08 <= watch.cpu_seconds < 10
    assert watch.peak_bytes > 1_000_000


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such database')"]
    with (
        pytest.raises(NotStarted, match="no such database"),
        running("a server", command, "http://127.0.0.1:1/", tmp_path),
    ):
        pass
