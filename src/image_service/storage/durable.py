"""Writes files atomically and durably: they survive a power failure. Blocking: call in threads only.

The order guarantees this: fsync the file and the names of new directories, rename the file, then fsync
the directory that holds its name.
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
}  # errors that mean: another file system, or no (more) links
_FULL = {errno.ENOSPC, errno.EDQUOT}
MAX_KNOWN = 10_000  # directories, about 2 MB


def is_full(error: OSError) -> bool:
    """Whether the disk or a quota is full."""
    return error.errno in _FULL


class DurableDirectory:
    """Writes below `root`. All methods may raise OSError; they then leave nothing in root/tmp."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._public = root / "public"
        self._staging = root / "tmp"
        self._known: set[Path] = set()  # directories whose names this process knows to be on disk

    def put(self, target: Path, source: Path) -> None:
        """Store `source` as `target`: by a link if nothing else can write to `source`, else by a copy. A public
        `target` that exists stays as it is.
        """
        temporary = self._temporary()
        try:
            self._fill(temporary, source)
            self._settle(temporary, 0o644 if self._is_public(target) else 0o600)
            self._make(target.parent)
            if self._is_public(target):
                _move_unless_there(temporary, target)
            else:
                temporary.replace(target)
            fsync(target.parent)
        finally:
            # Also after success: renaming a file onto another link to the same file removes neither link.
            temporary.unlink(missing_ok=True)

    def check(self) -> os.stat_result:
        """Write, fsync, read and remove a small file; return its `stat`."""
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
        """Blobs must not share a file, as linking changes the file's mode and time."""
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
        """Make the directory and its parents. Fsync existing ones too: another process may not have done so yet."""
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


def _move_unless_there(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileExistsError:
        pass
    except OSError as error:
        if error.errno not in NO_LINK:
            raise
        if not target.exists():  # without links, two that come at the same moment may both be stored
            source.replace(target)


def fsync(path: Path) -> None:
    """Flush a file, or the names in a directory, to the disk. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
