"""The report beside an input: a CSV line for each image, and all the state that the next run needs.

A line is written before the next image of its product is sent. So it survives any end of this process. A crash of the
machine loses at most the last second.
"""

import csv
import io
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

SYNC_SECONDS = 1.0  # between two calls of fsync


class Status(StrEnum):
    ADDED = "added"
    DUPLICATE = "duplicate"  # the same picture at the same place as an earlier row
    FAILED = "failed"
    UNKNOWN = "unknown"  # sent, but no response
    SENDING = "sending"  # replaced by another status, unless the process is killed


@dataclass(frozen=True)
class Line:
    row: int
    product_id: str
    source: str
    position: str  # as in the input
    status: Status
    image_id: str = ""
    src: str = ""
    reason: str = ""
    service: str = ""
    key: str = ""

    def __str__(self) -> str:
        text = io.StringIO()
        values = (" ".join(str(value).splitlines()) for value in astuple(self))  # a line of CSV is a line of text
        csv.writer(text, lineterminator="\n").writerow(values)
        return text.getvalue()


HEADER = ",".join(each.name for each in fields(Line)) + "\n"


class Report:
    """The file at `path`. `with` opens it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._synced = 0.0

    def lines(self) -> Iterator[Line]:
        """All current lines, the earliest first. Raises `ValueError` if the file is not a report."""
        if self.path.exists():
            with self.path.open("rb") as file:
                if file.readline() not in {HEADER.encode(), b""}:
                    raise ValueError(f"{self.path} is no report of an import: name another with --report")
                yield from (line for each in file if (line := _parsed(each)))

    def write(self, line: Line) -> None:
        self._file.write(str(line).encode("utf-8", "backslashreplace"))
        self._file.flush()
        if time.monotonic() > self._synced + SYNC_SECONDS:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def settle(self, *, forget_failures: bool) -> None:
        """Keep only the last line of each row, in the order of the rows. Atomic."""
        if not self.path.exists():
            return
        last: dict[str, tuple[int, int]] = {}
        with self.path.open("rb") as file:
            offset = 0
            for each in file:
                if line := _parsed(each):
                    last[line.key] = line.row, offset
                offset += len(each)
            temporary = self.path.with_name(self.path.name + ".new")
            with temporary.open("wb") as settled:
                settled.write(HEADER.encode())
                for _, offset in sorted(last.values()):
                    file.seek(offset)
                    line = _parsed(file.readline())
                    if line and line.status is Status.SENDING:
                        line = replace(line, status=Status.UNKNOWN, reason="interrupted")
                    if line and not (forget_failures and line.status is Status.FAILED):
                        settled.write(str(line).encode("utf-8", "backslashreplace"))
                settled.flush()
                os.fsync(settled.fileno())
        temporary.replace(self.path)

    def __enter__(self) -> Self:
        """Drops failures of earlier runs: they are retried, and get a new line then."""
        self.settle(forget_failures=True)
        self._file = self.path.open("ab")
        if not self._file.tell():
            self._file.write(HEADER.encode())
            self._file.flush()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
        self.settle(forget_failures=False)


def _parsed(line: bytes) -> Line | None:
    """None for the header, or for a partial line after a crash of the machine."""
    with suppress(ValueError, TypeError, StopIteration, csv.Error):
        if line.endswith(b"\n"):
            row, product_id, source, position, status, *others = next(csv.reader([line.decode()]))
            return Line(int(row), product_id, source, position, Status(status), *others)
    return None
