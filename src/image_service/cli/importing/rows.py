"""One image of an input: a line of a CSV file or a file in a folder."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from image_service.database.limits import MAX_BIGINT
from image_service.pixels.limits import Limits, Refused
from image_service.pixels.picture import Format
from image_service.pixels.structure.walk import read_structure

MOST_KEY = 200  # characters
MOST_BYTES = 10 * 1024 * 1024 - 1  # "less than 10MB", the service's own default
_WHOLE = re.compile(r"([0-9]{1,30})(?:\.0{1,10})?", re.ASCII)
CHUNK_BYTES = 1024 * 1024

Order = tuple[Any, ...]  # comparable within one input


class RowError(Exception):
    """Why a row cannot be sent, as text for the report."""


@dataclass(frozen=True)
class Row:
    number: int  # as in a spreadsheet: the header is row 1
    product_id: int  # 0: unknown until the service resolves `product_key`
    source: str  # as in the input
    order: Order  # the order of a product's rows
    path: Path | None = None  # None: `source` is a URL, which the service fetches
    position: int | None = None
    alt: str | dict[str, str] | None = None
    product_key: str | None = None  # the merchant's key, instead of a number

    @property
    def product(self) -> str:
        """As in the input."""
        return self.product_key or str(self.product_id)

    def identity(self) -> "Identity":
        """Blocking. Raises `RowError` if the file cannot be read."""
        sha256 = None if self.path is None else _sha256(self.path)
        said = json.dumps(
            [self.product_key or self.product_id, sha256 or self.source, self.position, self.alt], sort_keys=True
        )
        return Identity(hashlib.sha256(said.encode()).hexdigest()[:32], sha256)


@dataclass(frozen=True)
class Identity:
    """Equal for the same picture at the same place, which is sent only once."""

    key: str  # 32 hex digits
    sha256: str | None  # of a file's bytes


@dataclass(frozen=True)
class BadRow:
    number: int
    product_id: str
    source: str
    reason: str


class Input(Protocol):
    def survey(self) -> int:
        """The number of rows. Raises `ValueError`, `OSError` if they cannot be read."""
        ...

    def rows(self) -> Iterator[Row | BadRow]:
        """One at a time: an input may be larger than memory."""
        ...

    def order(self, number: int, source: str) -> Order:
        """The order of a row that an earlier run sent."""
        ...


def product_id(text: str) -> int:
    """Raises `RowError`."""
    number = whole(text)
    if number is None or not 1 <= number <= MAX_BIGINT:
        raise RowError("product_id must be a whole number from 1")
    return number


def product_key(text: str) -> str:
    """The normalized key. Raises `RowError`."""
    key = unicodedata.normalize("NFC", text)
    if len(key) > MOST_KEY:
        raise RowError(f"product_key has more than {MOST_KEY} characters")
    return key


def whole(text: str) -> int | None:
    """Spreadsheets and data frames write `10.0` for 10."""
    match = _WHOLE.fullmatch(text)
    return int(match[1]) if match else None


def picture_fault(path: Path) -> str:
    """Why a service with default settings would refuse this file, judging by its bytes; empty if it is fine. Blocking.

    Raises `RowError` if it cannot be read.
    """
    try:
        weight = path.stat().st_size
        if weight > MOST_BYTES:
            return f"weighs {weight:,} bytes: the service takes less than 10MB unless it is set otherwise"
        read_structure(path.read_bytes(), Limits(formats=tuple(Format)))
    except OSError as error:
        raise RowError(f"cannot be read: {error.strerror}") from error
    except Refused as refused:
        return f"would be refused: {refused.kind or str(refused.refusal).replace('_', ' ')}"
    return ""


def _sha256(path: Path) -> str:
    try:
        if not path.is_file():  # opening a pipe would block forever
            raise RowError("there is no such file")
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise RowError(f"cannot be read: {error.strerror}") from error
    return digest.hexdigest()
