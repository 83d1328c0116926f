"""File systems of a test's own, where mounting is allowed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.processes import eventually

MEBIBYTE = 1024 * 1024


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    """In memory. What needs no mount, and so runs everywhere, is in `test_writes.py`."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=755", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


class PoweredDisk:
    """An ext4 in a file, whose power can be cut: `snapshot` is what the disk held, `restore` is how it comes up again.

    What the kernel has not been told to write is not in the file. It would write by itself after five seconds, in the
    middle of a snapshot perhaps, so it is told to take its time.
    """

    def __init__(self, folder: Path, mebibytes: int) -> None:
        self._image, self._copy, self.root = folder / "disk.img", folder / "copy.img", folder / "disk"
        self.root.mkdir()
        with self._image.open("wb") as file:
            file.truncate(mebibytes * MEBIBYTE)
        if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
            pytest.skip("needs root, and mkfs.ext4")
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", self._image], check=True)
        if self._mount().returncode:
            pytest.skip("mounting is not allowed here")

    def snapshot(self) -> None:
        subprocess.run(["cp", "--sparse=always", self._image, self._copy], check=True)

    def restore(self) -> None:
        """As a machine does when it starts: the journal is replayed, then it is mounted."""
        self.close()
        self._copy.replace(self._image)
        assert subprocess.run(["e2fsck", "-p", self._image], check=False, capture_output=True).returncode in {0, 1}
        self._mount().check_returncode()

    def close(self) -> None:
        """Once nobody uses it."""
        eventually(lambda: subprocess.run(["umount", self.root], check=False, capture_output=True).returncode == 0)

    def _mount(self) -> "subprocess.CompletedProcess[bytes]":
        command: list[str | Path] = ["mount", "-o", "loop,commit=300", self._image, self.root]
        return subprocess.run(command, check=False, capture_output=True)


def fill(disk: Path, leave: int = 0) -> Path:
    """A file that takes all space but `leave` bytes."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        with suppress(OSError):
            while True:
                file.write(bytes(MEBIBYTE // 4))
        file.truncate(max(0, file.tell() - leave))
    return filler
