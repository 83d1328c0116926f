"""The worker by itself, as a program on the other end of a socket and a pipe."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_service.pixels.messages import MAX_LINE
from image_service.pixels.picture import ALWAYS_TAKEN, Format
from image_service.pixels.pool.pool import WORKER
from tests.pixels.pictures import quadrants
from tests.pixels.workers import ROGUE, SEEN, Worker, started
from tests.processes import DEADLINE


@pytest.fixture
def worker() -> Iterator[Worker]:
    with started(*WORKER) as worker:
        yield worker


@pytest.fixture
def seen() -> Iterator[Worker]:
    with started(*SEEN) as worker:
        yield worker


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    quadrants().save(tmp_path / "a", "PNG")
    return tmp_path / "a"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_it_keeps_nothing_that_was_handed_down() -> None:
    """A socket that the service listens on, or its log, would serve a stranger's code well."""
    with socket.create_server(("127.0.0.1", 0)) as listener, Path(os.devnull).open() as low:
        handed = (listener.fileno(), low.fileno())
        with started(*SEEN, keep=handed) as worker:
            kept = [str(each.readlink()) for each in Path(f"/proc/{worker.process.pid}/fd").iterdir()]
    assert sorted(each.partition(":")[0] for each in kept) == ["/dev/null", "/dev/null", "pipe", "socket"]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_it_keeps_no_file_of_a_job(seen: Worker, picture: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(picture.read_bytes()[:-20])
    before = open_files(seen)
    assert seen.probe(picture)["probe"]["width"] == 120
    assert seen.probe(tmp_path / "broken")["refused"] == "cut_short"
    with picture.open("rb") as source, (tmp_path / "rendered").open("wb") as target:
        assert "failed" in seen.ask(b"{", source, target)
        for original in ("png", "jpg"):
            assert ("rendered" in seen.ask(rendering(original, "webp"), source, target)) == (original == "png")
    assert open_files(seen) == before


def open_files(worker: Worker) -> list[str]:
    return [str(each.readlink()) for each in Path(f"/proc/{worker.process.pid}/fd").iterdir()]


def rendering(original: str, format: str) -> bytes:
    rendering = {"original": original, "format": format, "width": 9, "height": 6, "frames": 1}
    return json.dumps({"id": 1, "do": "render", "rendering": rendering, "seconds": 20}).encode()


def test_it_ends_with_its_input(worker: Worker) -> None:
    worker.input.close()
    assert worker.process.wait(timeout=DEADLINE) == 0


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"null", b"[]", b"{}", b"[" * 16_000, b'{"id": 1}', b'{"id": 1, "do": "dance"}', b"\xff\xfe"],
)
def test_a_bad_request_is_answered_and_survived(worker: Worker, picture: Path, line: bytes) -> None:
    assert "failed" in worker.ask(line)
    assert worker.probe(picture)["probe"]["width"] == 120


@pytest.mark.parametrize("length", [MAX_LINE, MAX_LINE + 1, 10 * MAX_LINE])
def test_a_request_that_is_too_long_is_refused_whole(worker: Worker, picture: Path, length: int) -> None:
    assert worker.ask(b"x" * length) == {"id": None, "failed": "request too long"}
    assert worker.probe(picture)["id"] == 7


def test_only_the_format_of_the_job_has_a_loader(worker: Worker, picture: Path, tmp_path: Path) -> None:
    """Even where the walk is passed by: a rendering trusts its source. What one job may open, the next may not."""
    for format in ("WEBP", "AVIF", "PNG", "TIFF", "BMP", "PPM"):
        quadrants().save(tmp_path / format, format)

    def rendered(source: str, original: str) -> bool:
        with (tmp_path / source).open("rb") as read, (tmp_path / "b").open("wb") as written:
            answer = worker.ask(rendering(original, "png"), read, written)
        assert answer.get("rendered") or "failed" in answer
        return "rendered" in answer

    for original in ("png", "jpg", "gif", "webp", "avif"):
        assert worker.probe(picture)["probe"]["format"] == "png"
        for source in ("WEBP", "AVIF", "PNG", "TIFF", "BMP", "PPM"):
            assert rendered(source, original) == (source.lower() == original)


def test_what_is_not_taken_has_no_loader(worker: Worker, tmp_path: Path) -> None:
    for format in ("WEBP", "AVIF"):
        quadrants().save(tmp_path / "a", format)
        assert worker.probe(tmp_path / "a")["refused"] == "other_format"
        taken = (*ALWAYS_TAKEN, Format(format.lower()))
        assert worker.probe(tmp_path / "a", taken)["probe"]["width"] == 120
        assert worker.probe(tmp_path / "a")["refused"] == "other_format"


def test_signals_for_the_whole_group_are_the_services_to_heed(worker: Worker, picture: Path) -> None:
    worker.process.send_signal(signal.SIGINT)
    worker.process.send_signal(signal.SIGTERM)
    assert worker.probe(picture)["id"] == 7


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_its_means_are_bounded_and_its_environment_is_empty(seen: Worker) -> None:
    proc = Path("/proc") / str(seen.process.pid)
    limits = {line[:26].strip(): line[26:].split()[0] for line in (proc / "limits").read_text().splitlines()}
    assert limits["Max core file size"] == "0"
    assert int(limits["Max address space"]) <= 2 * 1024**3
    assert int(limits["Max file size"]) <= 256 * 1024**2
    assert int(limits["Max open files"]) <= 64
    assert (proc / "environ").read_bytes() == b""
    nowhere = Path(os.devnull)
    assert [(proc / "fd" / fd).readlink() for fd in "12"] == [nowhere, nowhere]


def test_its_processor_time_is_bounded_although_nobody_watches(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"ROGUE spin")
    with started(*ROGUE) as worker, (tmp_path / "a").open("rb") as file:
        worker.send(json.dumps({"id": 1, "do": "probe", "seconds": 0}).encode(), file)
        assert worker.process.wait(timeout=DEADLINE) == -signal.SIGXCPU


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_it_gains_no_privileges(worker: Worker) -> None:
    status = (Path("/proc") / str(worker.process.pid) / "status").read_text()
    assert "NoNewPrivs:\t1\n" in status


ORPHANING = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[2:], stdin=int(sys.argv[1]), stdout=subprocess.PIPE)
process.stdout.readline()
print(process.pid, flush=True)
sys.stdin.read()
os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl, pidfd")
def test_it_dies_with_its_parent() -> None:
    """Even while someone else holds its input open."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-c", ORPHANING, str(theirs.fileno()), *WORKER]
    with (
        ours,
        theirs,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[theirs.fileno()]) as parent,
    ):
        assert parent.stdin
        assert parent.stdout
        orphan = os.pidfd_open(int(parent.stdout.readline()))
        parent.stdin.close()
        ended, _, _ = select.select([orphan], [], [], DEADLINE)  # a pidfd is readable once its process has ended
    assert ended
    os.close(orphan)
