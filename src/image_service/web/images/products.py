"""Names and keys of products in requests and answers."""

from collections.abc import Mapping
from typing import Any

from image_service.images.products.naming import MAX_KEY, Name, normalized
from image_service.web.images.texts import storable

MAX_NAME = 500  # characters; the longest titles of marketplaces have 250
KEY_SCHEMA = {"minLength": 1, "maxLength": MAX_KEY}


def plain_key(value: str) -> str:
    """A key in its one spelling, for a validator: raises `ValueError`."""
    return _bounded(normalized(storable(value)), MAX_KEY)


def plain_name(value: str) -> str:
    """A name, for a validator: raises `ValueError`."""
    return _bounded(storable(value), MAX_NAME)


def _bounded(value: str, limit: int) -> str:
    if not value.strip():
        raise ValueError("can't be blank")
    if len(value) > limit:
        raise ValueError(f"is too long (maximum is {limit} characters)")
    return value


def text_of(name: Name, language: str) -> str | None:
    """One text of a name: in this language if it has it, else the first."""
    if not isinstance(name, Mapping):
        return name
    return name.get(language) or next(iter(name.values()), None)


def by_language(name: Name, language: str) -> Any:
    """A map of language to text: a name without a language is under this one. The empty list is PHP's empty map."""
    return {language: name} if isinstance(name, str) else name or []
