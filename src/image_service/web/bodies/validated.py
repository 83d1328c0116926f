"""A body's fields as a pydantic model, and the messages for those that cannot be used."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from image_service.errors import InvalidField
from image_service.telemetry.logs import printable

MAX_SHOWN_NAME = 50  # characters

Model = TypeVar("Model", bound=BaseModel)

_MESSAGES = {
    "missing": "can't be blank",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "string_type": "must be a string",
    "string_unicode": "contains characters that cannot be stored",
    "list_type": "must be a list",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "greater_than_equal": "must be greater than or equal to {ge}",
    "less_than_equal": "must be less than or equal to {le}",
    "string_too_short": "is too short (minimum is {min_length} characters)",
    "string_too_long": "is too long (maximum is {max_length} characters)",
    "too_long": "is too long (maximum is {max_length} entries)",
    "extra_forbidden": "is not known",
}
_INTEGERS = {"int_type", "int_parsing", "int_from_float", "int_parsing_size"}


def validated(model: type[Model], fields: Any) -> Model:
    """Raises `InvalidField` with every field that cannot be used."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        findings = error.errors(include_input=False)
    messages = {shown_name((*finding["loc"], "body")[0]): message_of(finding) for finding in findings}
    first = next(iter(messages))
    raise InvalidField(first, messages[first], messages)


def shown_name(name: object) -> str:
    """A field's name that the client has chosen, as an answer can hold it: no lone surrogates, nothing invisible."""
    return printable(str(name)[:MAX_SHOWN_NAME])


def message_of(finding: Mapping[str, object]) -> str:
    """The message for a pydantic error: what is wrong, and the limit, but none of the client's input."""
    kind = str(finding["type"])
    if kind in _INTEGERS:
        return "must be an integer"
    context = finding.get("ctx")
    if kind == "value_error" and isinstance(context, Mapping):
        return str(context["error"])  # from the service's validators
    return _MESSAGES.get(kind, "is invalid").format_map(context if isinstance(context, Mapping) else {})
