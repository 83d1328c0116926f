"""Ids and other integers in paths, queries and forms."""

import re
from typing import Annotated

from fastapi import Path
from pydantic import BeforeValidator, Field, Strict

from image_service.database.limits import MAX_BIGINT

MAX_ID = MAX_BIGINT
_ID_DIGITS = 19
DECIMAL = re.compile(r"-?[0-9]{1,100}")  # int() accepts more: `1_000`, ` 1`, `+1`


_WHOLE = re.compile(rf"({DECIMAL.pattern})(?:\.0{{1,20}})?")


def _whole(value: object) -> object:
    """Clients send JSON integers as strings, as floats from spreadsheets (`"2"`, `"2.0"`), and as `""` for null."""
    if value == "":
        return None
    match = _WHOLE.fullmatch(value) if isinstance(value, str) else None
    return int(match[1]) if match else value


Number = Annotated[int, Strict()]  # in a body
WHOLE = BeforeValidator(_whole)  # last in an annotation, so that the schema has the bounds


def is_plain_decimal(value: str) -> bool:
    """ASCII digits without sign, blanks or leading zeros: one spelling per id, so caches have no aliases."""
    return value.isascii() and value.isdecimal() and value[0] != "0" and len(value) <= _ID_DIGITS


def id_of(value: str) -> int | None:
    """The id in a path segment; None if it is not an id."""
    number = int(value) if is_plain_decimal(value) else None
    return number if number is not None and number <= MAX_ID else None


def _number(value: object) -> object:
    if isinstance(value, str) and not DECIMAL.fullmatch(value):
        raise ValueError("must be an integer")
    return value


def _id(value: object) -> object:
    if isinstance(value, str) and not is_plain_decimal(value):
        raise ValueError("must be an integer")
    return value


PLAIN = BeforeValidator(_number)  # as above
Count = Annotated[int, Field(ge=0, le=MAX_ID), PLAIN]
Id = Annotated[int, Field(ge=1, le=MAX_ID), BeforeValidator(_id)]
ProductId = Annotated[Id, Path(description="The merchant's own product number.", examples=[1234])]
ImageId = Annotated[Id, Path(description="The image's id, as its creation answered it.", examples=[101])]
