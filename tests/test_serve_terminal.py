"""`image-service serve` on a terminal of 80 columns: what a new user sees, pastes, and ends with Ctrl-C."""

import re
from pathlib import Path

from tests.processes import DEADLINE, PROGRAM, eventually, family, left, paste
from tests.terminal import Terminal


def test_what_a_new_user_sees(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, str(PROGRAM), "serve", "--port", "0")
    try:
        eventually(lambda: "Ctrl-C stops the service" in terminal.seen)
        upload, listing = re.findall(r"^  (curl .*)$", terminal.seen, re.MULTILINE)
        assert len(upload) > 80
        made = paste(upload)
        assert [image["id"] for image in paste(listing)] == [made["id"]]
        greeting = terminal.seen[terminal.seen.index("image-service at") :].partition("Ctrl-C stops")[0]
        assert "\x1b" not in greeting
        assert len(greeting.splitlines()) == 8
        assert "alembic" not in terminal.seen
        assert "Started" not in terminal.seen
        assert "Traceback" not in terminal.seen
        members = family(terminal.process.pid)
        terminal.type(b"\x03")
        assert terminal.process.wait(DEADLINE) == 0
        eventually(lambda: not left(members), 5)
        assert "Traceback" not in terminal.seen
    finally:
        terminal.close()
    assert "database system is shut down" in (tmp_path / "data/postgres/postgres.log").read_text().splitlines()[-1]
