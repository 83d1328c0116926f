"""Reads CSV files of spreadsheets and ERPs, without interpreting the columns."""

import codecs
import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

DELIMITERS = ",;\t"  # locales with a decimal comma use the semicolon
SEPARATOR = re.compile(r"\"?sep=(.)\"?\s*", re.IGNORECASE)  # Excel's first line, which it hides
MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def normal(name: str) -> str:
    """A normalized column name: ignores case, blanks and hyphens."""
    return re.sub(r"[ -]", "_", name.strip().lower())


def lines(path: Path, is_header: Callable[[list[str]], bool]) -> Iterator[tuple[int, list[str]]]:
    """Yields the header, split with a delimiter that `is_header` accepts, then every line that is not empty, with
    spreadsheet row numbers. Yields nothing if it accepts none. UTF-8, with or without a byte order mark, or UTF-16 with
    one.

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


# A spreadsheet would run it; or `text_in` would drop its outer blanks, or take it for none. May follow our apostrophes.
_GUARDED = re.compile(r"'*(?:[=+\-@\s]|\Z)|.*\s\Z", re.DOTALL)


def guarded(text: str) -> str:
    """The cell of a text, which a spreadsheet does not run as a formula. `text_in` reads it back to the letter."""
    return f"'{text}" if _GUARDED.match(text) else text


def text_in(cell: str) -> str | None:
    """None for an empty cell. Blanks around a text are slips of typing, unless an apostrophe guards them."""
    for each in (cell, cell.strip()):
        if each.startswith("'") and _GUARDED.match(each[1:]):
            return each[1:]
    return cell.strip() or None
