"""`image-service serve` on a terminal of 80 columns: what a new user sees, pastes, and ends with Ctrl-C."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path

from tests.processes import DEADLINE, PROGRAM, environment, eventually, family, left, paste

# Takes the terminal on its standard input for its own, as a login shell does, and becomes the program.
TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    def __init__(self, folder: Path, *command: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKE_TERMINAL, *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment(folder / "data"), "TERM": "xterm"},
            cwd=folder,
            start_new_session=True,
        )
        os.close(slave)
        self._seen = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while said := os.read(self._master, 65536):
                self._seen += said
        except OSError:
            pass  # Linux's way to say that nobody is at the other end any more

    @property
    def seen(self) -> str:
        return self._seen.decode().replace("\r\n", "\n")

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        os.close(self._master)


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
        assert len(greeting.splitlines()) == 6
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
