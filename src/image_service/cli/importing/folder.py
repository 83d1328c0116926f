"""A folder as input: DIR/PRODUCT_ID/NAME. A product's files are in natural order of their names."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from image_service.cli.importing.rows import BadRow, Order, Row, RowError, product_id

LITTER = {"thumbs.db", "desktop.ini"}  # Windows creates these; dotfiles are also skipped


class Folder:
    """Reads only product folders, and only files in those."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def survey(self) -> int:
        return sum(1 for _ in self.rows())

    def order(self, number: int, source: str) -> Order:
        return _natural(source)

    def rows(self) -> Iterator[Row | BadRow]:
        for number, row in enumerate(self._found(), 1):
            yield row(number) if isinstance(row, _Bad) else self._row(number, *row)

    def _row(self, number: int, product: int, source: str) -> Row:
        return Row(number, product, source, self.order(number, source), self._path / source)

    def _found(self) -> "Iterator[tuple[int, str] | _Bad]":
        for name in _names(self._path):
            if not (self._path / name).is_dir():
                yield _Bad("", name, "is in no product's folder")
                continue
            try:
                product = product_id(name)
            except RowError:
                yield _Bad(name, name, "the name of a folder must be a product's id")
                continue
            for file in _names(self._path / name):
                source = f"{name}/{file}"
                if (self._path / source).is_dir():
                    yield _Bad(name, source, "is a folder in a product's folder, which is not read")
                else:
                    yield product, source


class _Bad:
    def __init__(self, product_id: str, source: str, reason: str) -> None:
        self._said = product_id, source, reason

    def __call__(self, number: int) -> BadRow:
        return BadRow(number, *self._said)


def _names(folder: Path) -> list[str]:
    """One folder's names fit into memory."""
    names = (entry.name for entry in os.scandir(folder))
    return sorted((name for name in names if name[0] != "." and name.lower() not in LITTER), key=_natural)


def _natural(name: str) -> Order:
    """2.jpg before 10.jpg; the name itself decides where only case or leading zeros differ."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return (*((int(part), "") if part.isdecimal() else (-1, part) for part in parts), (-1, name))
