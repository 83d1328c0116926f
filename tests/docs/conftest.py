"""One service for all pages, and the machine of someone who reads them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PHOTOS
from tests.deploy.files import ROOT
from tests.deploy.needs import program
from tests.docs.exchange import UNPRINTED, UNPRINTED_PREFIX, Answer, send, split
from tests.docs.likeness import Likeness
from tests.hosting import hosted
from tests.processes import DEADLINE, PROGRAM, Server, environment

# The limit of calls is the one that the pages speak of; it hardly empties, so that it is reached on any machine.
SETTINGS: dict[str, Any] = {"FETCH_ALLOW_PRIVATE": "true", "RATE_LIMIT_BUCKET": "40", "RATE_LIMIT_PER_SECOND": "0.1"}
PRINTED_URL = "http://127.0.0.1:8000"
PRINTED_HOST = "http://example.com"  # someone's, with a picture to fetch


@dataclass
class Reader:
    """Does what a page says, and compares what comes of it with what it says."""

    server: Server
    folder: Path
    elsewhere: str  # the URL of `PRINTED_HOST` in this run
    likeness: Likeness = field(default_factory=Likeness)

    def here(self, text: str) -> str:
        """What a page prints, with this run's hosts."""
        return text.replace(PRINTED_URL, self.server.url).replace(PRINTED_HOST, self.elsewhere)

    def run(self, command: str) -> str:
        """As from one paste; what it prints."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.likeness.request(self.here(command))],
            cwd=self.folder,
            env=environment(self.server.data, **SETTINGS)
            | {"TOKEN": self.server.token, "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"},
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=DEADLINE,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def program(self, text: str) -> None:
        """In Python, with what the tests have installed."""
        words = [sys.executable, "-c", self.likeness.request(self.here(text))]
        done = subprocess.run(words, capture_output=True, check=False, text=True, timeout=DEADLINE)
        assert done.returncode == 0, done.stderr

    def exchange(self, block: str) -> None:
        request, answer = split(self.here(block))
        request = self.likeness.request(request).replace("Bearer TOKEN", f"Bearer {self.server.token}")
        self.compare(answer, send(self.server.url, request, self.folder))

    def compare(self, printed: str, found: Answer) -> None:
        """The status line; the headers, all of them but `UNPRINTED`; the body."""
        wanted = Answer.parse(printed)
        assert (found.status, found.reason) == (wanted.status, wanted.reason), found
        unprinted = {n for n in found.names() if n in UNPRINTED or n.startswith(UNPRINTED_PREFIX)}
        assert found.names() - (unprinted - wanted.names()) == wanted.names()
        for name in wanted.names():
            for one, other in zip(wanted.values(name), found.values(name), strict=True):
                self.likeness.header(name, one, other)
        if wanted.body_is_left_out():
            assert found.is_of_its_type()
        elif wanted.body:
            self.likeness.json(wanted.body.decode(), found.body.decode())
        else:
            assert found.body == b""


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """In a folder like a checkout, with some photos and a file that is none; the service is started by `make serve`."""
    program("curl", "curl")
    folder = tmp_path_factory.mktemp("reader")
    (folder / "src").symlink_to(ROOT / "src")
    (folder / ".venv").symlink_to(PROGRAM.parent.parent)
    (folder / "notes.txt").write_text("no picture")
    for name in ("product-image.png", "servine.jpg", "onyx.jpg", "charmander.jpg"):
        shutil.copy(PHOTOS / ("rocket.jpg" if name.endswith("jpg") else "transparent.png"), folder / name)
    venv = Path(sys.executable).parent.parent
    make = f'exec make -C "{ROOT}" VENV="{venv}" --old-file="{venv}/.ready" serve'
    server = Server(folder, program=("sh", "-c", make), PORT="0", **SETTINGS)  # what `Server` adds is no part of it
    try:
        with hosted(folder) as url:
            yield Reader(server.ready(), folder, url)
    finally:
        server.end()
