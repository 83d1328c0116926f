"""A CSV file as spreadsheets and ERPs write it: product_id or product_key, src or path, position, alt."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from image_service.cli.importing.rows import BadRow, Order, Row, RowError, product_id, product_key, whole
from image_service.cli.importing.table import lines, normal, text_in

KNOWN = re.compile(r"product_id|product_key|src|path|position|alt|alt_[a-z_]+")
TEXTS = re.compile(r"product_key|alt.*")  # an apostrophe may guard them
URL = re.compile(r"(?:https?:)?//\S.*", re.IGNORECASE)  # may contain blanks, as in the service
ANOTHER_URL = re.compile(r".[\s,;|](?:https?:)?//", re.IGNORECASE | re.DOTALL)
MAX_POSITION = 10_000  # the highest limit for a product's images


class CsvFile:
    """A file in UTF-8, with or without a byte order mark, or UTF-16 with one. Its paths are relative to its folder."""

    def __init__(self, path: Path, columns: Mapping[str, str] | None = None) -> None:
        """`columns`: the file's column names by ours."""
        self._path = path
        self._columns = {name: normal(column) for name, column in (columns or {}).items()}
        self.ignored: list[str] = []  # columns with unknown names, set by `survey`

    def survey(self) -> int:
        return sum(1 for _ in self.rows())

    def order(self, number: int, source: str) -> Order:
        return (number,)

    def rows(self) -> Iterator[Row | BadRow]:
        """Raises `ValueError` also after the first rows: the file may have changed since `survey`."""
        try:
            yield from self._rows()
        except UnicodeError:
            raise ValueError(f"{self._path} is not in UTF-8: save it as “CSV UTF-8”") from None
        except csv.Error as error:
            raise ValueError(f"{self._path} cannot be read as CSV: {error}") from None

    def _rows(self) -> Iterator[Row | BadRow]:
        products = [self._columns.get(name, name) for name in ("product_id", "product_key")]
        found = lines(self._path, lambda names: bool(set(products) & set(map(normal, names))))
        columns = self._header(next(found, None), products)
        for number, values in found:
            yield self._row(number, columns, values)

    def _header(self, line: tuple[int, list[str]] | None, products: Sequence[str]) -> list[str]:
        if line is None:
            wanted = [name for name in products if name in self._columns.values()] or products
            raise ValueError(f"{self._path} has no column {' or '.join(wanted)} in its first line")
        names = self._named([normal(name) for name in line[1]])
        if not {"src", "path"} & set(names):
            raise ValueError(f"{self._path} has no column src (a URL) and no column path (a file)")
        if twice := next((name for name in names if KNOWN.fullmatch(name) and names.count(name) > 1), ""):
            raise ValueError(f"{self._path} has the column {twice} twice")
        self.ignored = [name for name in names if name and not KNOWN.fullmatch(name)]
        return names

    def _named(self, given: list[str]) -> list[str]:
        """The file's columns by our names. Ignores a column with our name if another column is mapped to it."""
        ours = {column: name for name, column in self._columns.items()}
        if missing := next((column for column in ours if column not in given), None):
            raise ValueError(f"{self._path} has no column {missing}; it has {', '.join(filter(None, given))}")
        return [ours.get(name) or (f"{name} (not mapped)" if name in self._columns else name) for name in given]

    def _row(self, number: int, columns: list[str], values: list[str]) -> Row | BadRow:
        said = {
            name: (text_in(value) or "") if TEXTS.fullmatch(name) else value.strip()
            for name, value in zip(columns, values, strict=False)
            if KNOWN.fullmatch(name)
        }
        source = said.get("src") or said.get("path") or ""
        key = "" if said.get("product_id") else said.get("product_key", "")
        product = key or said.get("product_id", "")
        if any(value.strip() for value in values[len(columns) :]):
            return BadRow(number, product, source, "has more fields than there are columns")
        try:
            return Row(
                number,
                0 if key else product_id(product),
                source,
                self.order(number, source),
                self._file(said),
                _position(said.get("position", "")),
                _alt(said),
                product_key(key) if key else None,
            )
        except RowError as error:
            return BadRow(number, product, source, str(error))

    def _file(self, said: dict[str, str]) -> Path | None:
        src, path = said.get("src", ""), said.get("path", "")
        if src and path:
            raise RowError("has both a src and a path")
        if path:
            return self._path.parent / path  # an absolute path is unchanged
        if not src:
            raise RowError("has neither a src nor a path")
        if ANOTHER_URL.search(src):
            raise RowError("src holds several URLs: each needs a row of its own")
        if not URL.fullmatch(src):
            raise RowError("src must be an http:// or https:// URL; files go into a column path")
        return None


def columns_in(texts: Sequence[str], known: re.Pattern[str] = KNOWN) -> dict[str, str]:
    """`["product_id=Number,src=Image Src"]` -> the file's column names by ours. Raises `ValueError` if ours are not
    `known`.
    """
    found: dict[str, str] = {}
    for pair in (pair for text in texts for pair in next(csv.reader([text], skipinitialspace=True), [])):
        name, equals, column = pair.partition("=")
        name, column = normal(name), column.strip().strip('"')
        if not (equals and column and known.fullmatch(name)):
            raise ValueError("--map wants our column=column of the file, such as product_id=Number,src=Image Src")
        if name in found:
            raise ValueError(f"--map names the column {name} twice")
        found[name] = column
    return found


def _position(text: str) -> int | None:
    if not text:
        return None
    number = whole(text)
    if number is None or not 1 <= number <= MAX_POSITION:
        raise RowError(f"position must be a whole number from 1 to {MAX_POSITION}")
    return number


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
