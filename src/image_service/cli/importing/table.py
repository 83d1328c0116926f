"""A CSV file as spreadsheets and ERPs write it, before anyone knows what its columns mean."""

import codecs
import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

DELIMITERS = ",;\t"  # the semicolon where a comma is the decimal sign
SEPARATOR = re.compile(r"\"?sep=(.)\"?\s*", re.IGNORECASE)  # Excel's first line, which it does not show
MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def normal(name: str) -> str:
    """Of a column: capitals, blanks and hyphens make no difference."""
    return re.sub(r"[ -]", "_", name.strip().lower())


def lines(path: Path, is_header: Callable[[list[str]], bool]) -> Iterator[tuple[int, list[str]]]:
    """The first line, split so that `is_header` takes it, then every one that is not empty; with their numbers as a
    spreadsheet counts them. Nothing, if it takes none. In UTF-8, with or without a byte order mark, or UTF-16 with one.

    Raises `UnicodeError`, `csv.Error`.
    """
    with path.open("rb") as raw:
        encoding = MARKS.get(raw.read(2), "utf-8-sig")
    with path.open(encoding=encoding, newline="") as file:
        line, first = file.readline(), 1
        delimiters = DELIMITERS
        if separator := SEPARATOR.fullmatch(line):
            line, first, delimiters = file.readline(), 2, separator[1]
        for delimiter in delimiters:
            names = next(csv.reader([line], delimiter=delimiter), [])
            if is_header(names):
                break
        else:
            return
        yield first, names
        for number, values in enumerate(csv.reader(file, delimiter=delimiter), first + 1):
            if any(value.strip() for value in values):
                yield number, values


_FORMULA = re.compile(r"'*[=+\-@\t\r]")  # what a spreadsheet would run, perhaps behind apostrophes of ours


def guarded(text: str) -> str:
    """For a cell that is read back by `unguarded`: strangers write some texts, and no spreadsheet is to run them."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text
