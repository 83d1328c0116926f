"""A CSV file as spreadsheets and ERPs write it: product_id, src or path, position, alt."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from image_service.cli.importing.rows import BadRow, Order, Row, RowError, product_id

DELIMITERS = ",;\t"  # the semicolon where a comma is the decimal sign
KNOWN = re.compile(r"product_id|src|path|position|alt|alt_[a-z_]+")
URL = re.compile(r"https?://\S+", re.IGNORECASE)
MAX_POSITION = 10_000  # the most images that a product can be set to have


class CsvFile:
    """UTF-8, with or without a byte order mark. Paths in it are relative to its own folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.ignored: list[str] = []  # columns whose name is not known, after `survey`

    def survey(self) -> int:
        try:
            return sum(1 for _ in self.rows())
        except UnicodeDecodeError:
            raise ValueError(f"{self._path} is not in UTF-8: save it as “CSV UTF-8”") from None
        except csv.Error as error:
            raise ValueError(f"{self._path} cannot be read as CSV: {error}") from None

    def order(self, number: int, source: str) -> Order:
        return (number,)

    def rows(self) -> Iterator[Row | BadRow]:
        with self._path.open(encoding="utf-8-sig", newline="") as file:
            columns, delimiter = self._header(file.readline())
            for number, values in enumerate(csv.reader(file, delimiter=delimiter), 2):
                if any(value.strip() for value in values):
                    yield self._row(number, columns, values)

    def _header(self, line: str) -> tuple[list[str], str]:
        for delimiter in DELIMITERS:
            names = [_normal(name) for name in next(csv.reader([line], delimiter=delimiter), [])]
            if "product_id" in names:
                break
        else:
            raise ValueError(f"{self._path} has no column product_id in its first line")
        if not {"src", "path"} & set(names):
            raise ValueError(f"{self._path} has no column src (a URL) and no column path (a file)")
        if twice := next((name for name in names if KNOWN.fullmatch(name) and names.count(name) > 1), ""):
            raise ValueError(f"{self._path} has the column {twice} twice")
        self.ignored = [name for name in names if name and not KNOWN.fullmatch(name)]
        return names, delimiter

    def _row(self, number: int, columns: list[str], values: list[str]) -> Row | BadRow:
        said = {name: value.strip() for name, value in zip(columns, values, strict=False) if KNOWN.fullmatch(name)}
        source = said.get("src") or said.get("path") or ""
        if any(value.strip() for value in values[len(columns) :]):
            return BadRow(number, said.get("product_id", ""), source, "has more fields than there are columns")
        try:
            return Row(
                number,
                product_id(said.get("product_id", "")),
                source,
                self.order(number, source),
                self._file(said),
                _position(said.get("position", "")),
                _alt(said),
            )
        except RowError as error:
            return BadRow(number, said.get("product_id", ""), source, str(error))

    def _file(self, said: dict[str, str]) -> Path | None:
        src, path = said.get("src", ""), said.get("path", "")
        if src and path:
            raise RowError("has both a src and a path")
        if path:
            return self._path.parent / path  # an absolute path stays what it is
        if not src:
            raise RowError("has neither a src nor a path")
        if not URL.fullmatch(src):
            raise RowError("src must be an http:// or https:// URL; files go into a column path")
        return None


def _normal(name: str) -> str:
    return re.sub(r"[ -]", "_", name.strip().lower())


def _position(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MAX_POSITION):
        raise RowError(f"position must be a whole number from 1 to {MAX_POSITION}")
    return int(text)


def _alt(said: dict[str, str]) -> str | dict[str, str] | None:
    """`alt_en`, `alt_pt_br`, …: a text for each language."""
    languages = {
        name.removeprefix("alt_").replace("_", "-"): text
        for name, text in said.items()
        if name.startswith("alt_") and text
    }
    if languages and said.get("alt"):
        raise RowError("has both an alt and one for a language")
    return languages or said.get("alt") or None
