"""Reads the lists of a file: for each product its desired images, in order."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from image_service.cli.importing.csv_file import ANOTHER_URL, URL
from image_service.cli.importing.rows import RowError, product_id, product_key, whole
from image_service.cli.importing.table import lines, normal, text_in
from image_service.cli.syncing.maps import OURS, Columns

NAMES = ("id", "src", "sha256")  # an entry has one of these
MAX_ENTRIES = 250
_ALT = re.compile(r"alt[_ -](.+)", re.IGNORECASE)


@dataclass
class ProductList:
    """`entries` in the service's format; `rows` are their rows in the file."""

    product_id: int | None
    key: str | None
    entries: list[dict[str, Any]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    positions: list[int | None] = field(default_factory=list)
    faults: list[str] = field(
        default_factory=list
    )  # a list with faults is not sent: its missing images would be removed

    @property
    def name(self) -> str:
        return str(self.product_id or self.key)

    def add(self, row: int, entry: dict[str, Any], position: int | None = None) -> None:
        self.entries.append(entry)
        self.rows.append(row)
        self.positions.append(position)

    def settle(self) -> None:
        """Sort by position. Entries without one follow."""
        order = sorted(range(len(self.rows)), key=lambda at: (self.positions[at] is None, self.positions[at] or 0, at))
        self.entries = [self.entries[at] for at in order]
        self.rows = [self.rows[at] for at in order]
        self.positions = [self.positions[at] for at in order]
        if len(self.entries) > MAX_ENTRIES:
            self.faults.append(f"has {len(self.entries)} images; {MAX_ENTRIES} are the most")

    def take(self, other: "ProductList", number: int) -> None:
        """Add the rows of another list, which names the same product, as if the file had one. `number`: its id."""
        self.product_id, self.key = number, None
        both = [each for part in (self, other) for each in zip(part.rows, part.entries, part.positions, strict=True)]
        self.entries, self.rows, self.positions = [], [], []
        for row, entry, position in sorted(both, key=lambda each: each[0]):
            self.add(row, entry, position)
        self.faults += other.faults
        self.settle()


def lists_in(path: Path, columns: Columns) -> list[ProductList]:
    """In order of each product's first row. Raises `ValueError`, `OSError` if the file cannot be read."""
    found: dict[tuple[int | None, str | None], ProductList] = {}
    is_csv = path.suffix.lower() not in {".ndjson", ".jsonl"}
    try:
        for row, who, entries, position in _csv(path, columns) if is_csv else _ndjson(path):
            product = found.setdefault(who, ProductList(*who))
            if isinstance(entries, str):
                product.faults.append(f"row {row}: {entries}")
                continue
            for entry in entries:
                product.add(row, entry, position)
    except UnicodeError:
        raise ValueError(f"{path} is not in UTF-8: save it as “CSV UTF-8”") from None
    except csv.Error as error:
        raise ValueError(f"{path} cannot be read as CSV: {error}") from None
    for product in found.values():
        product.settle()
    return list(found.values())


Cells = Mapping[str, str | None]  # by our names; None: empty
Who = tuple[int | None, str | None]
Told = tuple[int, Who, list[dict[str, Any]] | str, int | None]  # row, product, its entries or an error, position


def _csv(path: Path, columns: Columns) -> Iterator[Told]:
    products = [normal(name) for ours in ("product_id", "product_key") for name in columns.of(ours)]
    found = lines(path, lambda names: bool(set(products) & set(map(normal, names))))
    header = next(found, None)
    if header is None:
        raise ValueError(f"{path} has none of the columns {', '.join(products)} in its first line")
    names = _named(header[1], columns)
    if not set(NAMES) & set(names):
        wanted = ", ".join(name for ours in NAMES for name in columns.of(ours))
        raise ValueError(f"{path} has no column that names images: {wanted}")
    theirs = {name.strip().lower(): at for at, name in enumerate(header[1])}
    for row, values in found:
        if not any(
            column.lower() in theirs and _first(values, theirs[column.lower()]) in skipped
            for column, skipped in columns.without.items()
        ):
            cells = {name: text_in(value) for name, value in zip(names, values, strict=False) if name}
            yield from _row(row, cells, names, columns, is_longer=any(map(str.strip, values[len(names) :])))


def _first(values: list[str], at: int) -> str:
    """The first of the values in a cell; a short row lacks its last cells."""
    return "".join(values[at : at + 1]).partition(",")[0].strip()


def _named(header: list[str], columns: Columns) -> list[str]:
    """Our names of the used columns; empty for the others."""
    ours: dict[str, str] = {}
    given = [normal(name) for name in header]
    for name in OURS:
        there = next((normal(each) for each in columns.of(name) if normal(each) in given), None)
        if there is not None:
            ours[there] = name
    named = [ours.get(name, "") for name in given]
    if not columns.skips_empty:
        named = [
            name or (f"alt_{unquote(match[1])}" if (match := _ALT.fullmatch(theirs.strip())) else "")
            for name, theirs in zip(named, header, strict=True)
        ]
    if twice := next((name for name in named if name and named.count(name) > 1), ""):
        raise ValueError(f"the column {twice} is there twice")
    return named


def _row(row: int, cells: Cells, names: list[str], columns: Columns, *, is_longer: bool) -> Iterator[Told]:
    given = {name: value for name in NAMES if (value := cells.get(name))}
    if not given and columns.skips_empty:
        return
    try:
        who: Who = (
            (product_id(number), None)
            if (number := cells.get("product_id"))
            else (None, _key(cells.get("product_key")))
        )
    except RowError as error:
        raise ValueError(f"row {row}: {error}; nothing was sent") from None
    if is_longer:  # a text with a comma that is not in quotes would be cut, or be in the wrong column
        yield row, who, "has more fields than there are columns", None
        return
    try:
        yield row, who, _entries(given, cells, names, columns), _position(cells.get("position"))
    except RowError as error:
        yield row, who, str(error), None


def _key(text: str | None) -> str:
    if not text:
        raise RowError("has neither a product_id nor a product_key")
    return product_key(text)


def _position(text: str | None) -> int | None:
    if text and whole(text) is None:
        raise RowError("position must be a whole number")
    return whole(text) if text else None


def _entries(given: dict[str, str], cells: Cells, names: list[str], columns: Columns) -> list[dict[str, Any]]:
    if len(given) != 1:
        many = " and ".join(given)
        raise RowError(
            f"has {many}: leave one of them empty" if given else f"names no image: {', '.join(NAMES)} are empty"
        )
    [(name, value)] = given.items()
    if columns.several:
        values = [each for each in columns.values(value) if each]
        if name == "src" and (bad := next((each for each in values if not URL.fullmatch(each)), None)):
            raise RowError(f"{bad} is no http:// or https:// URL: does a URL hold a comma?")
        texts = columns.values(cells.get("alt") or "") if "alt" in names else []
        return [
            {name: each, **({"alt": texts[at] or None} if at < len(texts) else {})} for at, each in enumerate(values)
        ]
    entry: dict[str, Any] = {name: value}
    if name == "id":
        entry["id"] = whole(value)
        if entry["id"] is None:
            raise RowError("id must be a whole number")
    if name == "src":
        if ANOTHER_URL.search(value):
            raise RowError("src holds several URLs: each needs a row of its own")
        if cells.get("filename"):
            entry["filename"] = cells["filename"]
    languages = {each: cells.get(each) for each in names if each.startswith("alt_")}
    texts_by_tag = {each.removeprefix("alt_"): text for each, text in languages.items() if text is not None}
    if texts_by_tag and cells.get("alt"):
        raise RowError("has both an alt and one for a language")
    if languages or "alt" in names:  # the column exists, so an empty cell has a meaning
        entry["alt"] = texts_by_tag or cells.get("alt")
    return [entry]


def _ndjson(path: Path) -> Iterator[Told]:
    """Each line is a product with its `images`, or one entry."""
    with path.open(encoding="utf-8-sig") as file:
        for row, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                said = json.loads(line, object_pairs_hook=_object)
                who = _who(said)
            except ValueError:
                raise ValueError(f"{path}: line {row} is not JSON") from None
            except RowError as error:
                raise ValueError(f"{path}: line {row}: {error}") from None
            images = said.get("images")
            if images is None:
                images = [{name: said[name] for name in (*NAMES, "filename", "alt") if name in said}]
            if not isinstance(images, list) or not all(isinstance(each, dict) for each in images):
                yield row, who, "images must be a list of objects", None
            else:
                yield row, who, images, None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises `RowError` if a name is there twice: only one of its values would be sent."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise RowError(f"has {next(name for name in names if names.count(name) > 1)} twice")
    return found


def _who(said: Any) -> Who:
    """A number may be a string, as everywhere. Raises `RowError`."""
    if not isinstance(said, dict):
        raise RowError("is not a JSON object")
    number, key = said.get("product_id"), said.get("product_key")
    if number not in (None, ""):
        return product_id("" if isinstance(number, bool) else str(number)), None
    return None, _key(key if isinstance(key, str) else None)
