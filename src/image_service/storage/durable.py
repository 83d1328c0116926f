"""Files that are whole or absent, and survive a power failure once written. Blocking: for threads alone.

The order is what makes it so: the bytes reach the disk, then the name is set in one step, then the directory
that holds the name reaches the disk, as each new directory's own name did before.
"""

import errno
import os
import secrets
import shutil
import stat
from pathlib import Path

NO_LINK = {
    errno.EXDEV,
    errno.EPERM,
    errno.EMLINK,
    errno.EOPNOTSUPP,
}  # another file system, or one without links
_FULL = {errno.ENOSPC, errno.EDQUOT}
MAX_KNOWN = 10_000  # directories, about 2 MB


def is_full(error: OSError) -> bool:
    """Whether it says that no space is left, on the disk or in a quota."""
    return error.errno in _FULL


class DurableDirectory:
    """Writes below `root`. All raise OSError, and leave nothing in root/tmp behind when they do."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._public = root / "public"
        self._staging = root / "tmp"
        self._known: set[Path] = set()  # directories whose names this process knows to be on disk

    def put(self, target: Path, source: Path) -> None:
        """`source` under the name `target`: by a link if nothing else can write to it, else by a copy."""
        temporary = self._temporary()
        try:
            self._fill(temporary, source)
            self._settle(temporary, 0o644 if self._is_public(target) else 0o600)
            self._make(target.parent)
            temporary.replace(target)
            fsync(target.parent)
        finally:
            # Also after success: a rename between two links to one file leaves both.
            temporary.unlink(missing_ok=True)

    def check(self) -> os.stat_result:
        """Write, settle, read and remove a few bytes; what their file looked like."""
        temporary = self._temporary()
        try:
            temporary.write_bytes(b"probe")
            self._settle(temporary, 0o600)
            if temporary.read_bytes() != b"probe":
                raise OSError(errno.EIO, "what was read is not what was written", str(temporary))
            return temporary.stat()
        finally:
            temporary.unlink(missing_ok=True)

    def _temporary(self) -> Path:
        self._make(self._staging)
        return self._staging / secrets.token_hex(16)

    def _fill(self, temporary: Path, source: Path) -> None:
        if self._may_link(source):
            try:
                os.link(source, temporary)
            except OSError as error:
                if error.errno not in NO_LINK:
                    raise
            else:
                return
        shutil.copyfile(source, temporary)

    def _may_link(self, source: Path) -> bool:
        """Two blobs never share bytes, and we set the mode and the time of what we link."""
        found = source.lstat()
        alone = stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_uid == os.geteuid()
        real = source.resolve()
        is_blob = real.is_relative_to(self._root) and not real.is_relative_to(self._staging)
        return alone and not is_blob

    def _settle(self, path: Path, mode: int) -> None:
        """Set mode and time of a new blob, independent of the source's, and flush it to the disk."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fchmod(descriptor, mode)
            os.utime(descriptor)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _make(self, directory: Path) -> None:
        """Make it and what is above it. One that exists is fsynced too: its maker may not be so far."""
        if directory in self._known and directory.is_dir():
            return
        if directory == self._root:
            directory.parent.mkdir(parents=True, exist_ok=True)
        else:
            self._make(directory.parent)
        try:
            directory.mkdir(mode=0o700)
        except FileExistsError:
            if not directory.is_dir():
                raise
        else:
            if directory == self._root or self._is_public(directory):
                directory.chmod(0o755)  # under any umask
        fsync(directory.parent)
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known.add(directory)

    def _is_public(self, path: Path) -> bool:
        return path.is_relative_to(self._public)


def fsync(directory: Path) -> None:
    """Put the names in `directory` on the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
