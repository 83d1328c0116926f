"""No process of a running service shows its memory or its environment to others of its user."""

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.needs import needs
from tests.pixels.captured import DONE, REFUSED, Captured, is_traceable
from tests.processes import PROGRAM, Server, eventually, family

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc")

# root may look into everything: the service and who looks are here without what root may do beyond others, but for
# the way to the tests' database, which another account runs.
UNPRIVILEGED = ("setpriv", "--inh-caps=-all", "--bounding-set=-all,+dac_override") if os.geteuid() == 0 else ()
SECRET = "x9q-" * 6


@needs(is_traceable(), "a kernel that lets processes of one user look into each other")
@needs(os.geteuid() != 0 or shutil.which("setpriv") is not None, "setpriv")
def test_neither_memory_nor_secrets_can_be_had(tmp_path: Path, empty_database: str) -> None:
    with ExitStack() as stack:
        server = Server(
            tmp_path / "service",
            "--workers",
            "2",
            program=(*UNPRIVILEGED, PROGRAM),
            DATABASE_URL=empty_database,
            BOOTSTRAP_STORE="a",
            BOOTSTRAP_TOKEN=SECRET,
        )
        stack.callback(server.end)
        server.ready()
        open_book = stack.enter_context(subprocess.Popen([*UNPRIVILEGED, "sleep", "600"]))
        stack.callback(open_book.kill)
        attacker = Captured(stack, tmp_path, under=UNPRIVILEGED)
        assert attacker.act(f"open /proc/{open_book.pid}/mem") == DONE
        # The service, what its workers are forked from, these, and what they render with.
        eventually(lambda: len(family(server.process.pid)) >= 7)
        members = family(server.process.pid)
        shown = [pid for pid in members if attacker.act(f"open /proc/{pid}/environ") not in REFUSED]
        # multiprocessing's own process, which is not ours to close, and knows nothing.
        [tracker] = shown
        assert b"resource_tracker" in Path(f"/proc/{tracker}/cmdline").read_bytes()
        assert Path(f"/proc/{tracker}/environ").read_bytes() == b""
        for pid in members.keys() - shown:
            assert attacker.act(f"open /proc/{pid}/mem") in REFUSED
