"""The program on a terminal of 80 columns."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path

from tests.processes import DEADLINE, environment

# Takes the terminal on its standard input for its own, as a login shell does, and becomes the program.
TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    def __init__(self, folder: Path, *command: str, **settings: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKE_TERMINAL, *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment(folder / "data", **settings), "TERM": "xterm"},
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
