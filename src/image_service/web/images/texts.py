"""Texts from a client: bounded, and storable in PostgreSQL."""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

MAX_ALT = 2_000  # characters; far more than screen reader users listen to
MAX_LANGUAGES = 50
MAX_LANGUAGE_TAG = 35  # characters: RFC 5646, 4.4.1

UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(value: str) -> str:
    """Refuse characters that PostgreSQL cannot store."""
    if UNSTORABLE.search(value):
        raise ValueError("contains characters that cannot be stored")
    return value


def first_of(texts: Mapping[str, str]) -> str | None:
    """The text whose language has the first code: the database does not keep the order of a map."""
    return texts[min(texts)] if texts else None


def _text(value: object) -> object:
    """PHP sends a text of digits as a number (`JSON_NUMERIC_CHECK`), and no text as an empty list."""
    if value == []:
        return None
    is_number = isinstance(value, int) or (isinstance(value, float) and isfinite(value))
    return str(value) if is_number and not isinstance(value, bool) else value


def _is_str(value: object) -> bool:
    return isinstance(value, str)


def _alt(value: object) -> object:
    if isinstance(value, list) and len(value) == 1:  # one published client sends texts only as lists
        [value] = value
        if isinstance(value, list | dict):
            raise ValueError("must be a string or a map of language to string")
    value = _text(value)
    if isinstance(value, dict) and value:
        value = {tag: _text(text) for tag, text in value.items() if text is not None} or None
    if value is None or isinstance(value, str):
        texts, tags = [value or ""], []
    elif isinstance(value, dict) and len(value) <= MAX_LANGUAGES and all(map(_is_str, value.values())):
        texts, tags = list(value.values()), list(value)
    else:
        raise ValueError("must be a string or a map of language to string")
    if any(len(text) > MAX_ALT for text in texts):
        raise ValueError(f"is too long (maximum is {MAX_ALT} characters)")
    if any(not 0 < len(tag) <= MAX_LANGUAGE_TAG for tag in tags):
        raise ValueError("must be a map of language to string")
    for text in (*texts, *tags):
        storable(text)
    return value


Name = Annotated[str, Field(max_length=1024), AfterValidator(storable), BeforeValidator(_text)]
PlainAlt = Annotated[  # in one language
    Annotated[str, Field(max_length=MAX_ALT), AfterValidator(storable)] | None, BeforeValidator(_text)
]
AltText = Annotated[
    str | dict[str, str] | None,
    BeforeValidator(_alt),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "maxLength": MAX_ALT},
                {
                    "type": "object",
                    "maxProperties": MAX_LANGUAGES,
                    "propertyNames": {"minLength": 1, "maxLength": MAX_LANGUAGE_TAG},
                    "additionalProperties": {"type": "string", "maxLength": MAX_ALT},
                },
                {"type": "null"},
            ]
        }
    ),
]
