"""A pixel process by itself: a program on the other end of a socket and a pipe."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from image_service.pixels.cage.enter import LAYERS
from image_service.pixels.limits import Limits
from image_service.pixels.picture import ALWAYS_TAKEN, Format

ROGUE = (sys.executable, "-I", str(Path(__file__).with_name("rogue_worker.py")))
# In its cage, but for the layer that hides it from a test that is not root.
SEEN = (*ROGUE, "--layers", *(LAYERS.keys() - {"closed memory"}))


class Worker:
    def __init__(self, process: subprocess.Popen[bytes], input: socket.socket, output: IO[bytes]) -> None:
        self.process = process
        self.input = input
        self.output = output

    def ask(self, line: bytes, *files: IO[bytes]) -> dict[str, Any]:
        self.send(line, *files)
        answer: dict[str, Any] = json.loads(self.output.readline())
        return answer

    def send(self, line: bytes, *files: IO[bytes]) -> None:
        sent = socket.send_fds(self.input, [line + b"\n"], [file.fileno() for file in files])
        self.input.sendall((line + b"\n")[sent:])

    def probe(self, path: Path, formats: tuple[Format, ...] = ALWAYS_TAKEN) -> dict[str, Any]:
        limits = asdict(Limits(formats=formats))
        with path.open("rb") as file:
            return self.ask(json.dumps({"id": 7, "do": "probe", "limits": limits, "seconds": 20}).encode(), file)


@contextmanager
def started(*command: str, keep: tuple[int, ...] = ()) -> Iterator[Worker]:
    ours, theirs = socket.socketpair()
    with (
        ours,
        theirs,
        subprocess.Popen(command, stdin=theirs.fileno(), stdout=subprocess.PIPE, env={}, pass_fds=keep) as process,
    ):
        theirs.close()
        assert process.stdout
        worker = Worker(process, ours, process.stdout)
        assert json.loads(worker.output.readline())["ready"] is True
        yield worker
        process.kill()
