"""Where log lines go. A line that cannot be written is lost, and never an error: the service outlives a full disk and
a reader of its log that has ended.
"""

from collections.abc import Callable
from io import RawIOBase
from typing import TextIO


class LogStream:
    """Writes whole lines to `stream`, past its buffers: those would keep parts of lines that cannot be written.

    Tries again with every line, so that the log goes on by itself once there is space.
    """

    def __init__(self, stream: TextIO, lost: Callable[[], None]) -> None:
        """`lost` is called for each line that is not written."""
        self._stream = stream
        buffer = getattr(stream, "buffer", None)
        raw = getattr(buffer, "raw", buffer)  # with PYTHONUNBUFFERED the buffer is the file itself
        self._raw = raw if isinstance(raw, RawIOBase) else None
        self._lost = lost
        self._is_cut = False  # the last line has only begun

    def write(self, lines: str) -> None:
        try:
            if self._raw is None:
                self._stream.write(lines)
                self._stream.flush()
            else:
                self._write(self._raw, lines)
        except (OSError, ValueError):  # ValueError: closed
            self._lost()

    def flush(self) -> None:
        """Nothing to do: `write` flushes."""

    def _write(self, raw: RawIOBase, lines: str) -> None:
        left = memoryview((f"\n{lines}" if self._is_cut else lines).encode(errors="backslashreplace"))
        while left:
            written = raw.write(left)
            if written is None:
                raise BlockingIOError("the reader is too slow")
            left = left[written:]
            self._is_cut = bool(left)
