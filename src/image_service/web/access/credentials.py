"""The credentials in a request's head: the headers that carry them, and their parsers."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers

from image_service.errors import Unauthenticated

Credentials = tuple[str | None, str]  # the store id, if named, and the token


@dataclass(frozen=True)
class Scheme:
    """One header that may carry a token. `read` raises `Unauthenticated` for a value in an unknown form."""

    header: str  # in lower case
    read: Callable[[str], Credentials]
    example: Callable[[str], str]  # the value that carries a token
    described: Mapping[str, Any]  # OpenAPI's security schemes, by name


def credentials_in(headers: Headers, schemes: Sequence[Scheme]) -> list[Credentials]:
    """All valid credentials; ignores empty headers, and other schemes beside them. Raises `Unauthenticated` if there
    are credentials and none is valid.
    """
    found: list[Credentials] = []
    refusal: Unauthenticated | None = None
    for scheme in schemes:
        for value in filter(str.strip, headers.getlist(scheme.header)):
            try:
                found.append(scheme.read(value))
            except Unauthenticated as error:
                refusal = error
    if refusal is not None and not found:
        raise refusal
    return found


def authorization(value: str) -> Credentials:
    """`Basic` or `Bearer`; the user of `Basic` is the store id. Raises `Unauthenticated`."""
    scheme, _, rest = value.partition(" ")
    if scheme.lower() == "basic":
        return _basic(rest.strip())
    return _bearer(value)


def _bearer(value: str) -> Credentials:
    scheme, _, rest = value.partition(" ")
    if scheme.lower() != "bearer" or not rest.strip():
        raise Unauthenticated("a scheme that is not taken here")
    return None, rest.strip()


def _bearer_or_bare(value: str) -> Credentials:
    """The header has no other use, so some clients omit `Bearer`."""
    token = value.strip()
    return (None, token) if " " not in token and token.lower() != "bearer" else _bearer(token)


def _basic(encoded: str) -> Credentials:
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError as error:  # not ASCII, not base64, not UTF-8
        raise Unauthenticated("not Basic") from error
    if not colon or not password:
        raise Unauthenticated("not Basic")
    return user, password


AUTHORIZATION = Scheme(
    "authorization",
    authorization,
    "Bearer {}".format,
    {
        "basic": {"type": "http", "scheme": "basic", "description": "User: the store id. Password: its token."},
        "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer TOKEN`"},
    },
)
AUTHENTICATION = Scheme(
    "authentication",
    _bearer_or_bare,
    "bearer {}".format,
    {
        "authentication": {
            "type": "apiKey",
            "in": "header",
            "name": "Authentication",
            "description": "A header of its own: `Authentication: bearer TOKEN`",
        }
    },
)
STANDARD = (AUTHORIZATION, AUTHENTICATION)  # every dialect takes these; one may add its own
