"""Names and keys of products in requests and answers."""

from collections.abc import Mapping
from typing import Any

from image_service.images.products.naming import MAX_KEY, Name, normalized
from image_service.web.images.texts import MAX_LANGUAGE_TAG, MAX_LANGUAGES, UNSTORABLE, first_of, storable

MAX_NAME = 500  # characters; the longest titles of marketplaces have 250
NAME_SCHEMA = {
    "anyOf": [
        {"type": "string", "maxLength": MAX_NAME},
        {
            "type": "object",
            "maxProperties": MAX_LANGUAGES,
            "propertyNames": {"minLength": 1, "maxLength": MAX_LANGUAGE_TAG},
            "additionalProperties": {"type": "string", "maxLength": MAX_NAME},
        },
        {"type": "null"},
    ]
}
KEY_SCHEMA = {"minLength": 1, "maxLength": MAX_KEY}


def plain_key(value: str) -> str:
    """The normalized key, for a validator: raises `ValueError`."""
    return _bounded(normalized(storable(value)), MAX_KEY)


def plain_name(value: str) -> str:
    """A name, for a validator: raises `ValueError`."""
    return _bounded(storable(value), MAX_NAME)


def storable_query(value: str) -> str:
    """A search text. Unstorable characters match nothing, so they become spaces before the query."""
    return UNSTORABLE.sub(" ", value)


def _bounded(value: str, limit: int) -> str:
    if not value.strip():
        raise ValueError("can't be blank")
    if len(value) > limit:
        raise ValueError(f"is too long (maximum is {limit} characters)")
    return value


def name_by_language(value: object) -> Name:
    """A text, or a map of language to text without the blank ones; for a validator: raises `ValueError`."""
    if value is None or isinstance(value, str):
        return None if value is None else plain_name(value)
    if value == []:  # PHP's empty map
        return None
    if not isinstance(value, dict) or len(value) > MAX_LANGUAGES:
        raise ValueError(_NO_NAME)
    texts = {tag: text for tag, text in value.items() if text not in (None, "")}
    if not all(isinstance(text, str) and 0 < len(tag) <= MAX_LANGUAGE_TAG for tag, text in texts.items()):
        raise ValueError(_NO_NAME)
    return {storable(tag): plain_name(text) for tag, text in texts.items()} or None


_NO_NAME = "must be a string or a map of language to string"


def text_of(name: Name, language: str) -> str | None:
    """The name's text in this language, else that of the first language by its code."""
    if not isinstance(name, Mapping):
        return name
    return name.get(language) or first_of(name)


def by_language(name: Name, language: str) -> Any:
    """A map of language to text; a name without a language gets this one. The empty list is PHP's empty map."""
    return {language: name} if isinstance(name, str) else name or []
