"""The report beside an input: a line of CSV for each image, and all that the next run needs to know.

A line is on its way to the disk before the next image of its product is sent. So it survives the end of this process,
however that comes; and what may get lost with the machine is the last second's.
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

SYNC_SECONDS = 1.0  # between two waits for the disk


class Status(StrEnum):
    ADDED = "added"
    DUPLICATE = "duplicate"  # the same picture at the same place as an earlier row
    FAILED = "failed"
    UNKNOWN = "unknown"  # sent, but not answered
    SENDING = "sending"  # is replaced by one of the others, unless the process is killed


@dataclass(frozen=True)
class Line:
    row: int
    product_id: str
    source: str
    position: str  # as the input has it
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
    """The file at `path`, from `with` on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._synced = 0.0

    def lines(self) -> Iterator[Line]:
        """All that is in it just now, the earliest first. Raises `ValueError` if it is something else than a report."""
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
        """Leave one line for each row, in the order of the rows: the last that was written. All of it, or nothing."""
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
        """Failures of earlier runs are forgotten: they are tried again, and get a line of their own then."""
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
    """None: the header, or half of a line, after which the machine went down."""
    with suppress(ValueError, TypeError, StopIteration, csv.Error):
        if line.endswith(b"\n"):
            row, product_id, source, position, status, *others = next(csv.reader([line.decode()]))
            return Line(int(row), product_id, source, position, Status(status), *others)
    return None
