"""Reads CSV files of spreadsheets and ERPs, without interpreting the columns."""

import codecs
import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

DELIMITERS = ",;\t"  # locales with a decimal comma use the semicolon
SEPARATOR = re.compile(r"\"?sep=(.)\"?\s*", re.IGNORECASE)  # Excel's first line, which it hides
PICTURE = re.compile(r"(?:https?:)?//\S.*|.*\S\.(?:jpe?g|png|gif|webp|avif|heic)", re.IGNORECASE)
MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def normal(name: str) -> str:
    """A normalized column name: ignores case, blanks, line breaks and hyphens."""
    return re.sub(r"\r\n|[\s-]", "_", name.strip().lower())


def lines(path: Path, is_header: Callable[[list[str]], bool]) -> Iterator[tuple[int, list[str]]]:
    """Yields the header, split with a delimiter that `is_header` accepts, then every line that is not empty, with
    spreadsheet row numbers. Yields nothing if it accepts none. UTF-8, with or without a byte order mark, or UTF-16 with
    one.

    Raises `UnicodeError`, and `csv.Error` with the row's number. A quote that is not closed is an error: it would take
    the rows after it into its cell. So is a cell that seems to have taken them.
    """
    with path.open("rb") as raw:
        encoding = MARKS.get(raw.read(2), "utf-8-sig")
    with path.open(encoding=encoding, newline="") as file:
        separator = SEPARATOR.fullmatch(file.readline())
        start, number = (file.tell(), 2) if separator else (0, 1)
        for delimiter in separator[1] if separator else DELIMITERS:
            file.seek(start)
            if is_header(_next(csv.reader(file, delimiter=delimiter), number) or []):  # its cells may have line breaks
                break
        else:
            return
        file.seek(start)
        rows = csv.reader(file, delimiter=delimiter, strict=True)
        width = 0
        while (values := _next(rows, number)) is not None:
            width = width or len(values)
            if any(_holds_a_row(value, at, delimiter, width) for at, value in enumerate(values)):
                raise csv.Error(f"row {number}: a cell holds another row: is its closing quote missing?")
            if any(value.strip() for value in values):
                yield number, values
            number += 1


def _next(rows: Iterator[list[str]], number: int) -> list[str] | None:
    """The row of this number; None after the last. Raises `csv.Error`."""
    try:
        return next(rows, None)
    except csv.Error as error:
        raise csv.Error(f"row {number}: {_fault(str(error))}") from None


def _holds_a_row(cell: str, at: int, delimiter: str, width: int) -> bool:
    """Whether a quote that was not closed has taken in other rows, up to a quote that a later cell ends with.

    If so, a line of the cell names a picture, and has as many fields as the header; or, the last one, as many as a row
    has up to this cell.
    """
    others = cell.splitlines()[1:]
    for left, line in enumerate(reversed(others)):
        fields = next(csv.reader([line], delimiter=delimiter), [])
        is_row = len(fields) == width or (left == 0 and len(fields) == at + 1)
        if is_row and len(fields) > 1 and any(PICTURE.fullmatch(field.strip()) for field in fields):
            return True
    return False


def _fault(said: str) -> str:
    """The error of the `csv` module, in words for those who made the file."""
    if "unexpected end" in said:
        return "a quote opens a cell, and none closes it"
    if "expected after" in said:
        return "a cell goes on after its closing quote: one is missing, or a quote within a cell is not written twice"
    if "field limit" in said:
        return f"a cell has more than {csv.field_size_limit():,} characters: is its closing quote missing?"
    return said


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
